import { posix, win32 } from 'node:path';

export interface AdminPaths {
  readonly policy: string;
  /** The organisation's signed policy; where the coordinator brings it, there is no such file. */
  readonly organisation: string;
}

/**
 * Where each system keeps what its administrator says. Written down rather than looked up: a path that came from the
 * environment would let whoever starts the process choose another.
 */
export function adminPaths(platform: string): AdminPaths {
  if (platform === 'win32') return inFolder('C:\\ProgramData\\Argot', win32.join);
  return inFolder(platform === 'darwin' ? '/Library/Application Support/Argot' : '/etc/argot', posix.join);
}

function inFolder(folder: string, join: (...parts: string[]) => string): AdminPaths {
  return { policy: join(folder, 'policy.json'), organisation: join(folder, 'organisation.json') };
}
