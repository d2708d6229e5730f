import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Access } from '../policy/adminFile.ts';

const powershell = 'C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe';

/** Asks Windows who owns a path and who may change it. Not tried on Windows yet; what it can't read locks down. */
export async function windowsAccess(path: string): Promise<Access> {
  const script = '(Get-Acl -LiteralPath $args[0]).Sddl';
  const options = { windowsHide: true, timeout: 10_000, env: {} };
  const { stdout } = await promisify(execFile)(
    powershell,
    ['-NoProfile', '-NonInteractive', '-Command', `& {${script}}`, path],
    options,
  );
  return accessFromSddl(stdout.trim());
}

/** Rights by which an entry lets somebody change a file or take it: generic ones, FILE_WRITE_*, DELETE, WRITE_DAC, WRITE_OWNER. */
const changing = /GA|GW|FA|FW|WD|WO|SD|DC|DT|CC|LC|WP/;
const changingBits = 0x10000000 | 0x40000000 | 0x10000 | 0x40000 | 0x80000 | 0x2 | 0x4 | 0x10 | 0x40 | 0x100;

/** Short names that SDDL writes for well-known accounts. */
const knownSids: Readonly<Record<string, string>> = { SY: 'S-1-5-18', BA: 'S-1-5-32-544' };

/** A security descriptor in SDDL, such as `O:BAG:SYD:PAI(A;;FA;;;SY)(A;;FR;;;BU)`. Throws where it is none. */
export function accessFromSddl(sddl: string): Access {
  const owner = /O:(S-[\d-]+|[A-Z]{2})/.exec(sddl)?.[1];
  const list = /D:[A-Z]*((?:\([^()]*\))*)/.exec(sddl)?.[1];
  // No list at all means that everybody may do everything.
  if (owner === undefined || list === undefined) throw new Error(`The access list makes no sense: ${sddl}`);
  const writers = [...list.matchAll(/\(([^()]*)\)/g)].flatMap(([, entry]) => {
    const [kind = '', flags = '', rights = '', , , sid = ''] = (entry ?? '').split(';');
    const applies = kind !== 'D' && !flags.includes('IO');
    return applies && mayChange(rights) ? [knownSids[sid] ?? sid] : [];
  });
  return { system: 'windows', owner: knownSids[owner] ?? owner, writers };
}

function mayChange(rights: string): boolean {
  if (rights.startsWith('0x')) return (Number(rights) & changingBits) !== 0;
  return (rights.match(/../g) ?? []).some((right) => changing.test(right));
}
