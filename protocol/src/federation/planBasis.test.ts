import { expect, it } from 'vitest';
import { roundBasis } from './basis.ts';
import { type Plan, planSchema, type Start } from './messages.ts';
import { basisStart, newestBasis, parentShape } from './planBasis.ts';
import { defaultRoundSettings, roundSettingsFileSchema, settingsFromFile } from './roundSettings.ts';
import { type Signed, sha256, signMessage } from './signedMessage.ts';
import { simulatedBasis } from './simulatedBasis.ts';
import { simulatedPlan, simulatedTeam } from './simulatedTeam.ts';
import { openStart } from './start.ts';

const team = simulatedTeam(3);
const rounded = roundBasis(simulatedBasis({ rank: 8, directions: 3, outputs: [12, 20] }, 1));
if (!rounded.ok) throw new Error(rounded.refusal);
const { ranges, levels } = rounded.value;
const values = sha256(levels);
const base = new Uint8Array(32).fill(3);
const { adapter } = simulatedPlan(team, 1);

function start(changes: Partial<Start> = {}): Signed<Start> {
  const body: Start = {
    type: 'start',
    federation: team.anchors.federation,
    ...{ sequence: 1, base, adapter, description: 'packages', values },
    segments: [
      { length: 96, range: 1 },
      { length: 160, range: 1 },
    ],
    basis: { directions: 3, ranges: [...ranges], values },
    ...changes,
  };
  const opened = openStart(signMessage(body, team.lead), team.anchors);
  if (!opened.ok) throw new Error(opened.refusal);
  return opened.value;
}

const [own, later] = [start(), start({ sequence: 2, basis: null })];
const privacy: Plan['privacy'] = { mechanism: 'client', memberVariance: 1, delta: 1e-5 };
/** Two matrices, three directions, rank 8. */
const plan = (changes: Partial<Plan> = {}) => simulatedPlan(team, 48, { base, privacy, basis: own.id, ...changes });

it('a plan names the start by whose basis its updates are reduced, and its parent is as long as the model’s updates', () => {
  expect(basisStart(plan(), [later, own])).toEqual({ ok: true, value: own });
  expect(parentShape(plan(), [own])).toEqual({ ok: true, value: { base, adapter, length: 256 } });
  const whole = simulatedPlan(team, 256, { base });
  expect(basisStart(whole, [own])).toEqual({ ok: true, value: undefined });
  expect(parentShape(whole, [])).toEqual({ ok: true, value: { base, adapter, length: 256 } });
});

it.each<[string, Partial<Plan>]>([
  ['basisMechanism', { privacy: { mechanism: 'none' } }],
  ['basisUnknown', { basis: new Uint8Array(32) }],
  ['startBase', { base: new Uint8Array(32) }],
  ['startAdapter', { adapter: { ...adapter, seed: 2 } }],
  ['basisMissing', { basis: later.id }],
  ['basisLength', { quantiser: { bits: 8, segments: [{ length: 256, range: 1 }] } }],
])('a plan’s basis is refused: %s', (refusal, changes) => {
  expect(basisStart(plan(changes), [own, later])).toMatchObject({ refusal });
  expect(parentShape(plan(changes), [own, later])).toMatchObject({ refusal });
});

it('settings take the basis of the newest start that fits, where this one has one', () => {
  const shape = { base, adapter, length: 256 };
  expect(newestBasis([own], shape)).toEqual({ start: own.id, length: 48 });
  expect(newestBasis([own, start({ sequence: 3, base: new Uint8Array(32) })], shape)?.start).toEqual(own.id);
  expect(newestBasis([own, later], shape)).toBeUndefined();
  expect(newestBasis([own], { ...shape, length: 255 })).toBeUndefined();
  expect(newestBasis([], shape)).toBeUndefined();
});

it('no plan may leave the field out; a person’s file of settings may, and then updates are sent whole', () => {
  const { basis: _, ...without } = plan();
  expect([planSchema.safeParse(plan()).success, planSchema.safeParse(without).success]).toEqual([true, false]);
  const usual = defaultRoundSettings({ base: '03'.repeat(32), adapter, length: 256 });
  const { basis: __, ...file } = usual;
  expect(settingsFromFile(roundSettingsFileSchema.parse(file)).basis).toBeNull();
  const named = roundSettingsFileSchema.parse({ ...file, basis: Buffer.from(own.id).toString('hex') });
  expect(settingsFromFile(named).basis).toEqual(own.id);
});
