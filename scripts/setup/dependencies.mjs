import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { npm } from './commands.mjs';
import { step } from './progress.mjs';
import { repository } from './repository.mjs';

/** The packages of package-lock.json, exactly. No install script runs: the machine may forbid them. */
export async function installDependencies() {
  await step(
    'dependencies',
    async () => ((await areInstalled()) ? true : undefined),
    async (note) => {
      await npm(['ci', '--ignore-scripts'], {
        cwd: repository,
        onLine: note,
        failure:
          'The dependencies could not be installed: check the network and npm’s registry settings, then run “npm ci --ignore-scripts”.',
      });
      return true;
    },
  );
}

/** npm writes its own record at the end of an installation, so a killed one has none. */
async function areInstalled() {
  const wanted = await readPackages(path.join(repository, 'package-lock.json'));
  const installed = await readPackages(path.join(repository, 'node_modules', '.package-lock.json'));
  return wanted !== undefined && installed !== undefined && agrees(wanted, installed);
}

/**
 * @typedef {{ version?: string, optional?: boolean, devOptional?: boolean, peer?: boolean, link?: boolean }} LockedPackage
 * @typedef {Record<string, LockedPackage>} LockedPackages
 */

/**
 * Whether what is installed is what the lock file asks for; other platforms' packages may be absent.
 *
 * @param {LockedPackages} wanted
 * @param {LockedPackages} installed
 */
export function agrees(wanted, installed) {
  for (const [place, { version, optional }] of Object.entries(wanted)) {
    if (place === '') continue;
    const found = installed[place];
    if (found === undefined ? optional !== true : found.version !== version) return false;
  }
  return Object.keys(installed).every((place) => wanted[place] !== undefined);
}

/**
 * @param {string} file
 * @returns {Promise<LockedPackages | undefined>}
 */
async function readPackages(file) {
  try {
    const parsed = JSON.parse(await readFile(file, 'utf8'));
    return typeof parsed?.packages === 'object' ? parsed.packages : undefined;
  } catch {
    return undefined;
  }
}
