// `npm start`: all set-up, then the editor with Argot and a folder in it.
import { createHash } from 'node:crypto';
import { cp, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openBrowserEditor } from './setup/browser-editor.mjs';
import { cacheFolder, exists, installOnce } from './setup/cache.mjs';
import { findDesktopEditor, openDesktopEditor } from './setup/desktop-editor.mjs';
import { runMain, SetupFailure } from './setup/failure.mjs';
import { repository } from './setup/repository.mjs';

const usage = `Usage: npm start [-- OPTION…]
  --folder PATH   opens this folder instead of the samples
  --browser       serves the editor to a browser even where VS Code is installed
  --port NUMBER   where to serve it; a free port by default
  --help          shows this
ARGOT_MODEL_PATH in the environment names a GGUF file to use instead of the default model.
`;

/**
 * What is opened. The samples are ours and open at an inviting place; another folder is trusted only once its owner
 * says so in the editor.
 *
 * @typedef {object} Place
 * @property {string} folder
 * @property {{ path: string, line: number, column: number }} [file]
 * @property {boolean} trusted
 */

await runMain(async () => {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const place = await placeToOpen(options.folder);
  const desktop = options.browser ? undefined : await findDesktopEditor();
  return desktop === undefined ? openBrowserEditor(place, options.port) : openDesktopEditor(desktop, place);
});

function readOptions() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        folder: { type: 'string' },
        browser: { type: 'boolean', default: false },
        port: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new SetupFailure(`${error instanceof Error ? error.message.split('. ')[0] : error}.\n${usage.trimEnd()}`);
  }
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw new SetupFailure(`--port needs a number from 1 to 65535, and this is “${values.port}”.`);
  }
  return { ...values, port };
}

/**
 * @param {string | undefined} given
 * @returns {Promise<Place>}
 */
async function placeToOpen(given) {
  if (given === undefined) {
    const folder = await copyOfSamples();
    return { folder, file: { path: path.join(folder, 'garden.js'), line: 27, column: 3 }, trusted: true };
  }
  // npm runs scripts in the package's folder; INIT_CWD is where the command was typed.
  const folder = path.resolve(process.env.INIT_CWD ?? process.cwd(), given);
  const stats = await stat(folder).catch(() => undefined);
  if (stats === undefined) throw new SetupFailure(`--folder names ${folder}, which does not exist.`);
  if (!stats.isDirectory() && !folder.endsWith('.code-workspace')) {
    throw new SetupFailure(`--folder names ${folder}, which is neither a folder nor a .code-workspace file.`);
  }
  return { folder, trusted: false };
}

/** Trying Argot changes files, and those of the repository should stay as they are. A copy lasts until the samples change. */
async function copyOfSamples() {
  const samples = path.join(repository, 'samples');
  const hash = createHash('sha256');
  for (const name of (await readdir(samples)).sort())
    hash.update(name).update(await readFile(path.join(samples, name)));
  const name = `samples-${hash.digest('hex').slice(0, 12)}`;
  const folder = path.join(cacheFolder(), name, 'samples');
  if (!(await exists(folder)))
    await installOnce(name, (staging) => cp(samples, path.join(staging, 'samples'), { recursive: true }));
  return folder;
}
