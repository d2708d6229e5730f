import { expect, it } from 'vitest';
import { accessFromSddl } from './windowsAccess.ts';

it.each([
  ['O:BAG:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;BU)', 'S-1-5-32-544', ['S-1-5-18', 'S-1-5-32-544']],
  ['O:S-1-5-21-1-2-3-1001G:SYD:(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;BU)', 'S-1-5-21-1-2-3-1001', ['S-1-5-32-544', 'BU']],
  // An entry that only children inherit, and one that denies, let nobody change this file.
  ['O:SYD:(A;OICIIO;GA;;;CO)(D;;FA;;;WD)(A;;FR;;;WD)', 'S-1-5-18', []],
  ['O:SYD:(A;;WO;;;AU)(A;;SD;;;S-1-1-0)', 'S-1-5-18', ['AU', 'S-1-1-0']],
])('%s', (sddl, owner, writers) => {
  expect(accessFromSddl(sddl)).toEqual({ system: 'windows', owner, writers });
});

it.each(['', 'O:BA', 'nonsense'])('throws for what is no descriptor: “%s”', (sddl) => {
  expect(() => accessFromSddl(sddl)).toThrow();
});
