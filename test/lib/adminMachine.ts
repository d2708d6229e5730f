import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Only root may mount; a machine of one's own needs Linux. */
export const canMakeMachine = process.platform === 'linux' && process.getuid?.() === 0 && unshares();

/**
 * A machine with an administrator of its own, as the processes in it see it: a copy of `/etc` stands in place of the real
 * one, in a mount namespace. The real path of the admin file is used, and no other process of this machine sees the file.
 */
export interface AdminMachine extends AsyncDisposable {
  /** The folder that the machine's processes see as `/etc/argot`. */
  readonly folder: string;
  /** What the machine's users list names as this user's home. */
  readonly userHome: string;
  /** Put this before a command to run it there. */
  readonly prefix: readonly string[];
  install(policy: unknown): Promise<void>;
  remove(): Promise<void>;
  /** As before the first `install`. */
  reset(): Promise<void>;
}

export async function adminMachine(): Promise<AdminMachine> {
  const root = await mkdtemp(join(tmpdir(), 'argot-machine-'));
  const etc = join(root, 'etc');
  const userHome = join(root, 'home');
  await cp('/etc', etc, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  await mkdir(userHome);
  const folder = join(etc, 'argot');
  const reset = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    await rm(`${folder}.real`, { recursive: true, force: true });
    await mkdir(folder, { mode: 0o755 });
  };
  await reset();
  await chmod(etc, 0o755);
  const users = await readFile(join(etc, 'passwd'), 'utf8');
  await writeFile(join(etc, 'passwd'), users.replace(/^(root:[^:]*:0:0:[^:]*:)[^:]*/m, `$1${userHome}`));
  return {
    folder,
    userHome,
    prefix: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', 'mount --bind "$0" /etc && exec "$@"', etc],
    async install(policy) {
      const text = typeof policy === 'string' ? policy : JSON.stringify({ schema: 1, policy });
      await writeFile(join(folder, 'policy.json'), text, { mode: 0o644 });
    },
    reset,
    remove: () => rm(join(folder, 'policy.json'), { force: true, recursive: true }),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

function unshares(): boolean {
  return spawnSync('unshare', ['--mount', 'true']).status === 0;
}
