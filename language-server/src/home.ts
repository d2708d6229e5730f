import { mkdir } from 'node:fs/promises';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { homeFolder } from '#protocol/address.ts';
import { diskFault, type Fault, type Outcome } from './engine/faults.ts';

/** The folder of the user's models, logs and store: `ARGOT_HOME` where set, else where the platform keeps such data. */
export function argotHome(
  env: Readonly<Record<string, string | undefined>>,
  platform: string,
  userHome: string = homedir(),
): string {
  return homeFolder({ platform, env, uid: undefined, userName: userInfo().username, userHome, temporary: tmpdir() });
}

/** Creates `<home>/models` for this user alone; a folder that exists keeps its mode, since its owner chose it. */
export async function modelsFolder(home: string): Promise<Outcome<{ readonly folder: string }>> {
  const folder = join(home, 'models');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return { ok: true, folder };
  } catch (error) {
    const fault: Fault = diskFault(error, folder);
    return { ok: false, fault };
  }
}
