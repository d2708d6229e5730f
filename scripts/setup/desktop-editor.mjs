import { spawn } from 'node:child_process';
import path from 'node:path';
import { setUpProduct } from '../setup.mjs';
import { cacheFolder, exists } from './cache.mjs';
import { which } from './commands.mjs';
import { SetupFailure } from './failure.mjs';
import { developmentHome, installModel } from './model.mjs';
import { repository } from './repository.mjs';

/** @returns {Promise<string | undefined>} VS Code's command, where it is installed */
export async function findDesktopEditor() {
  const onPath = which('code');
  if (onPath !== undefined) return onPath;
  for (const file of usualPlaces()) if (await exists(file)) return file;
  return undefined;
}

/**
 * Opens a window of the installed VS Code with Argot loaded from this repository. Its profile is apart from the user's,
 * so that nothing of theirs changes and a second completion extension does not interfere.
 *
 * @param {string} command
 * @param {import('../start.mjs').Place} place
 */
export async function openDesktopEditor(command, place) {
  const { model } = await setUpProduct();
  await installModel(model);
  const args = [
    `--extensionDevelopmentPath=${repository}`,
    `--user-data-dir=${path.join(cacheFolder(), 'desktop')}`,
    `--extensions-dir=${path.join(cacheFolder(), 'desktop-extensions')}`,
    ...(place.trusted ? ['--disable-workspace-trust'] : []),
    place.folder,
    ...(place.file === undefined ? [] : ['--goto', `${place.file.path}:${place.file.line}:${place.file.column}`]),
  ];
  await launch(command, args);
  process.stdout.write('VS Code opens in a window of its own. This command has done its work.\n');
  return 0;
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<void>}
 */
function launch(command, args) {
  return new Promise((resolve, reject) => {
    // code.cmd on Windows is a script, which needs a shell, and a shell needs quotes.
    const shell = /\.(cmd|bat)$/i.test(command);
    const child = spawn(shell ? `"${command}"` : command, shell ? args.map((each) => `"${each}"`) : [...args], {
      shell,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ARGOT_HOME: developmentHome() },
    });
    child.on('error', (error) =>
      reject(new SetupFailure(`VS Code could not be started (${error.message}): try “npm start -- --browser”.`)),
    );
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new SetupFailure(`VS Code ended with code ${code}: try “npm start -- --browser”.`));
    });
  });
}

function usualPlaces() {
  if (process.platform === 'darwin') {
    return ['/Applications/Visual Studio Code.app/Contents/Resources/app/bin/code'];
  }
  if (process.platform === 'win32') {
    const roots = [
      process.env.LOCALAPPDATA && path.join(process.env.LOCALAPPDATA, 'Programs'),
      process.env.PROGRAMFILES,
    ];
    return roots.flatMap((root) => (root ? [path.join(root, 'Microsoft VS Code', 'bin', 'code.cmd')] : []));
  }
  return ['/usr/share/code/bin/code', '/snap/bin/code'];
}
