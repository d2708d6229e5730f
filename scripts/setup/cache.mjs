import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { SetupFailure } from './failure.mjs';

const abandonedAfterMs = 24 * 60 * 60 * 1000;

/** Where downloads live that every clone of the repository can share. */
export function cacheFolder() {
  const given = process.env.XDG_CACHE_HOME;
  if (given !== undefined && path.isAbsolute(given)) return path.join(given, 'argot-dev');
  const home = os.homedir() || os.userInfo().homedir;
  if (process.platform === 'win32') {
    return path.join(process.env.LOCALAPPDATA ?? path.join(home, 'AppData', 'Local'), 'argot-dev');
  }
  if (process.platform === 'darwin') return path.join(home, 'Library', 'Caches', 'argot-dev');
  return path.join(home, '.cache', 'argot-dev');
}

/** @param {string} file */
export async function exists(file) {
  return access(file).then(
    () => true,
    () => false,
  );
}

/**
 * Makes the folder `name` in the cache with `fill`, which works in a sibling that is renamed when it is complete: a
 * killed installation is never taken for a good one.
 *
 * @param {string} name
 * @param {(folder: string) => Promise<void>} fill
 */
export async function installOnce(name, fill) {
  const target = path.join(cacheFolder(), name);
  const staging = `${target}.partial-${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(staging, { recursive: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SetupFailure(
      `The cache folder ${cacheFolder()} cannot be written (${why}): set XDG_CACHE_HOME to a folder that can.`,
    );
  }
  try {
    await removeAbandoned(name);
    await fill(staging);
    await rename(staging, target).catch(async (error) => {
      // Another set-up may have finished the same installation meanwhile; it is as good as ours.
      if (!(await exists(target))) throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return target;
}

/** @param {string} name */
async function removeAbandoned(name) {
  for (const entry of await readdir(cacheFolder())) {
    if (!entry.startsWith(`${name}.partial-`)) continue;
    const folder = path.join(cacheFolder(), entry);
    const age = await stat(folder).then(
      (stats) => Date.now() - stats.mtimeMs,
      () => 0,
    );
    if (age > abandonedAfterMs) await rm(folder, { recursive: true, force: true });
  }
}
