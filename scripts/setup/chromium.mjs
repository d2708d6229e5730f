import path from 'node:path';
import { exists } from './cache.mjs';
import { canInstallDebianPackages, installDebianPackages, which } from './commands.mjs';
import { SetupFailure } from './failure.mjs';
import { step } from './progress.mjs';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge', 'chrome'];

/**
 * The path of a browser that tests can drive: the system's own, or Debian's package.
 *
 * @returns {Promise<string>}
 */
export async function provideChromium() {
  return step('Chromium', findChromium, async (note) => {
    if (!canInstallDebianPackages()) {
      throw new SetupFailure(
        'The tests in the editor need a browser: install Chromium or Google Chrome, or set ARGOT_CHROMIUM to its path.',
      );
    }
    await installDebianPackages(['chromium', 'fonts-dejavu-core'], note);
    const found = await findChromium();
    if (found === undefined) {
      throw new SetupFailure(
        'The package “chromium” brought no browser: install Google Chrome, or set ARGOT_CHROMIUM to a browser’s path.',
      );
    }
    return found;
  });
}

/** @returns {Promise<string | undefined>} */
async function findChromium() {
  const given = process.env.ARGOT_CHROMIUM;
  if (given !== undefined) {
    if (await exists(given)) return given;
    throw new SetupFailure(`ARGOT_CHROMIUM names ${given}, which does not exist: correct or unset it.`);
  }
  for (const name of names) {
    const file = which(name);
    if (file !== undefined) return file;
  }
  for (const file of usualPlaces()) if (await exists(file)) return file;
  return undefined;
}

function usualPlaces() {
  if (process.platform === 'darwin') {
    return ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
      (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
    );
  }
  if (process.platform !== 'win32') return [];
  const roots = [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA];
  const files = [
    ['Google', 'Chrome', 'Application', 'chrome.exe'],
    ['Microsoft', 'Edge', 'Application', 'msedge.exe'],
  ];
  return roots.flatMap((root) => (root === undefined ? [] : files.map((parts) => path.join(root, ...parts))));
}
