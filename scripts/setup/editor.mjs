import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, exists, installOnce } from './cache.mjs';
import { npm } from './commands.mjs';
import { withNode } from './node24.mjs';
import { step } from './progress.mjs';
import { restoreProposedApiGate } from './proposed-api.mjs';

const version = '4.139.1';
/** Raised when this file installs the same version differently. */
const recipe = 4;
const folder = `code-server-${version}-${recipe}`;
const inside = ['node_modules', 'code-server', 'lib', 'vscode'];

/**
 * VS Code's server, from the npm package of code-server: the same editor, in a browser, without a download from
 * anywhere but npm's registry. Gives the folder with its `out`. It has been run on Linux only: macOS and Windows go the
 * same way, and are told so.
 *
 * @param {string} node a Node 24
 * @returns {Promise<string>}
 */
export async function provideEditor(node) {
  const editor = path.join(cacheFolder(), folder, ...inside);
  if (process.platform !== 'linux') {
    process.stderr.write(
      `  The served editor has not yet been tried on ${process.platform}; please report what does not work.\n`,
    );
  }
  return step(
    'editor (code-server)',
    async () => ((await exists(path.join(editor, 'out', 'server-main.js'))) ? editor : undefined),
    async (note) => {
      await installOnce(folder, (staging) => install(staging, node, note));
      return editor;
    },
  );
}

/**
 * The one optional package that is wanted: without it the editor does not see files that other programs change. The
 * others are large and serve features that stay off.
 *
 * @param {string} editor
 */
async function fileWatcher(editor) {
  const manifest = path.join(editor, 'node_modules', '@parcel', 'watcher', 'package.json');
  const { version: watcherVersion } = JSON.parse(await readFile(manifest, 'utf8'));
  const platform = `${process.platform}-${process.arch}`;
  return `@parcel/watcher-${platform}${process.platform === 'linux' ? `-${libc()}` : ''}@${watcherVersion}`;
}

function libc() {
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return report.header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

/**
 * No install script runs, so the three levels of packages are installed one by one.
 *
 * @param {string} staging
 * @param {string} node
 * @param {(line: string) => void} note
 */
async function install(staging, node, note) {
  const editor = path.join(staging, ...inside);
  const options = {
    env: withNode(node),
    onLine: note,
    failure:
      'The editor for tests could not be installed: check the network and npm’s registry settings, then run the command again.',
  };
  await writeFile(path.join(staging, 'package.json'), '{"private":true}');
  await npm(['install', '--ignore-scripts', '--no-save', `code-server@${version}`], { ...options, cwd: staging });
  await npm(['install', '--ignore-scripts', '--omit=dev', '--omit=optional'], { ...options, cwd: editor });
  await npm(['install', '--ignore-scripts', '--omit=dev', '--omit=optional', '--no-save', await fileWatcher(editor)], {
    ...options,
    cwd: editor,
  });
  await npm(['install', '--ignore-scripts', '--omit=dev'], { ...options, cwd: path.join(editor, 'extensions') });
  await copyFile(
    fileURLToPath(new URL('file-logger.cjs', import.meta.url)),
    path.join(editor, 'node_modules', '@vscode', 'spdlog', 'index.js'),
  );
  await restoreProposedApiGate(editor);
}
