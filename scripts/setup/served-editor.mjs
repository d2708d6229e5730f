import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { SetupFailure } from './failure.mjs';

const startupPatienceMs = 60_000;
const exitPatienceMs = 5000;

/**
 * @typedef {object} ServedEditorOptions
 * @property {string} node a Node 24
 * @property {string} editor the folder with the editor's `out`
 * @property {string} dataFolder settings, state and logs
 * @property {string} extensionsFolder
 * @property {string} argotHome what the language server gets as ARGOT_HOME
 * @property {NodeJS.ProcessEnv} [env] added to this process's
 * @property {boolean} workspaceTrust
 * @property {readonly string[]} [prefix] a command that runs the editor, such as one that gives it a machine of its own
 * @property {string} [token] what a browser must show at first; without it everybody on this machine may connect
 * @property {number} [port] a free one by default
 * @property {AbortSignal} [signal]
 */

/**
 * @typedef {object} ServedEditor
 * @property {number} port
 * @property {number} pid
 * @property {() => string} output what the editor's server wrote so far
 * @property {Promise<void>} exited
 * @property {() => Promise<void>} close ends the server and its extension hosts
 */

/**
 * Serves VS Code on a free loopback port, and answers when it accepts pages.
 *
 * @param {ServedEditorOptions} options
 * @returns {Promise<ServedEditor>}
 */
export async function serveEditor(options) {
  const port = options.port ?? (await freePort());
  const [command = '', ...args] = [...(options.prefix ?? []), options.node, ...serverArguments(options, port)];
  const child = spawn(command, args, {
    // A group of its own: closing ends the extension hosts with it.
    detached: process.platform !== 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env, ARGOT_HOME: options.argotHome },
  });
  let output = '';
  /** @param {string} text */
  const remember = (text) => {
    output = (output + text).slice(-100_000);
  };
  child.stdout.setEncoding('utf8').on('data', remember);
  child.stderr.setEncoding('utf8').on('data', remember);
  /** @type {Promise<void>} */
  const exited = new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      remember(error.message);
      resolve();
    });
  });
  const pid = child.pid ?? 0;
  // A process that ends without closing what it served must not leave it behind.
  const killAtExit = () => signalGroup(pid, 'SIGKILL');
  process.once('exit', killAtExit);
  exited.then(() => process.off('exit', killAtExit));
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    signalGroup(pid, 'SIGTERM');
    const left = await Promise.race([exited.then(() => true), sleep(exitPatienceMs, false, { ref: false })]);
    if (!left) signalGroup(pid, 'SIGKILL');
    await exited;
  };
  const failed = exited.then(() => true);
  const deadline = performance.now() + startupPatienceMs;
  while (!(await answers(port))) {
    const ended = await Promise.race([failed, sleep(100, false)]);
    if (ended || performance.now() > deadline || options.signal?.aborted) {
      await close();
      throw new SetupFailure(
        `The editor's server did not start: remove its folder in the cache and run the command again. It said: ${output.trim().slice(-2000)}`,
      );
    }
  }
  return { port, pid, output: () => output, exited, close };
}

/**
 * @param {ServedEditorOptions} options
 * @param {number} port
 */
function serverArguments(options, port) {
  return [
    path.join(options.editor, 'out', 'server-main.js'),
    ...['--host', '127.0.0.1', '--port', String(port)],
    ...(options.token === undefined ? ['--without-connection-token'] : ['--connection-token', options.token]),
    ...['--accept-server-license-terms', '--telemetry-level', 'off'],
    ...['--server-data-dir', options.dataFolder, '--extensions-dir', options.extensionsFolder],
    ...(options.workspaceTrust ? [] : ['--disable-workspace-trust']),
    // Otherwise the extension host of a closed page waits three hours for the page's return.
    ...['--reconnection-grace-time', '1'],
  ];
}

/**
 * Makes the editor load the extension that stands in `folder`, as an installed one: in every window, without a
 * development host. This is the editor's own list of what is installed.
 *
 * @param {string} extensionsFolder
 * @param {string} folder with the extension's package.json
 */
export async function registerExtension(extensionsFolder, folder) {
  const { publisher, name, version } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const location = { $mid: 1, path: pathToFileURL(folder).pathname, scheme: 'file' };
  const entry = {
    identifier: { id: `${publisher}.${name}` },
    version,
    location,
    metadata: { source: 'vsix', pinned: true },
  };
  await mkdir(extensionsFolder, { recursive: true });
  await writeFile(path.join(extensionsFolder, 'extensions.json'), JSON.stringify([entry]));
}

/**
 * The settings that a served editor starts with; the user's own changes to them are kept where the file exists.
 *
 * @param {string} dataFolder
 * @param {Readonly<Record<string, unknown>>} settings
 */
export async function writeSettings(dataFolder, settings) {
  const folder = path.join(dataFolder, 'data', 'User');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'settings.json'), `${JSON.stringify(settings, undefined, 2)}\n`);
}

/**
 * The address that opens a folder, and a file in it with the cursor at a place.
 *
 * @param {number} port
 * @param {{ folder: string, token?: string, file?: { path: string, line: number, column: number } }} place
 */
export function editorAddress(port, place) {
  const address = new URL(`http://127.0.0.1:${port}/`);
  if (place.token !== undefined) address.searchParams.set('tkn', place.token);
  const isWorkspace = place.folder.endsWith('.code-workspace');
  address.searchParams.set(isWorkspace ? 'workspace' : 'folder', pathToFileURL(place.folder).pathname);
  if (place.file !== undefined) {
    const file = `${pathToFileURL(place.file.path).pathname}:${place.file.line}:${place.file.column}`;
    const payload = [
      ['openFile', `vscode-remote://127.0.0.1:${port}${file}`],
      ['gotoLineMode', 'true'],
    ];
    address.searchParams.set('payload', JSON.stringify(payload));
  }
  return address.href;
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** @param {number} port */
function answers(port) {
  return fetch(`http://127.0.0.1:${port}/version`, { signal: AbortSignal.timeout(2000) }).then(
    (response) => response.ok,
    () => false,
  );
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 */
function signalGroup(pid, signal) {
  // A child that never started has no number, and 0 would be this process's own group.
  if (pid === 0) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch (error) {
    // It may have ended since we looked.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
