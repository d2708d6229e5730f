import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { SetupFailure } from './failure.mjs';
import { repository } from './repository.mjs';

const tailLines = 20;

/**
 * @typedef {object} RunOptions
 * @property {string} failure the sentence for the user when the command fails
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {(line: string) => void} [onLine] every line of output, as it comes
 * @property {boolean} [shell]
 */

/**
 * Runs a child without stdin and gives its stdout. When it fails, the end of its output is shown and the given sentence
 * is thrown.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} options
 * @returns {Promise<string>}
 */
export function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      shell: options.shell ?? false,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    /** @type {string[]} */
    const tail = [];
    /** @param {string} text */
    const remember = (text) => {
      for (const line of text.split(/\r?\n|\r/)) {
        if (line.trim() === '') continue;
        options.onLine?.(line);
        tail.push(line);
        if (tail.length > tailLines) tail.shift();
      }
    };
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      stdout += text;
      remember(text);
    });
    child.stderr.setEncoding('utf8').on('data', remember);
    child.on('error', (error) => {
      reject(new SetupFailure(`${options.failure} (${command} could not be started: ${error.message})`));
    });
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(stdout);
      for (const line of tail) process.stderr.write(`  | ${line}\n`);
      reject(new SetupFailure(`${options.failure} (${path.basename(command)} ended with ${signal ?? `code ${code}`})`));
    });
  });
}

/**
 * npm, run by the same installation that started this script where that is known.
 *
 * @param {readonly string[]} args
 * @param {RunOptions} options
 */
export function npm(args, options) {
  const cli = process.env.npm_execpath;
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=http'];
  if (cli !== undefined && /npm-cli\.[cm]?js$/.test(cli) && existsSync(cli)) {
    return run(process.execPath, [cli, ...args, ...quiet], options);
  }
  // npm is a command file on Windows, which only a shell can start; no argument given here needs quoting.
  return run('npm', [...args, ...quiet], { ...options, shell: process.platform === 'win32' });
}

/**
 * The full path of a program on PATH, or undefined.
 *
 * @param {string} name
 */
export function which(name) {
  const extensions = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : [''];
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    if (folder === '') continue;
    for (const extension of extensions) {
      const file = path.join(folder, name + extension);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not here: the next folder may have it.
      }
    }
  }
  return undefined;
}

/** Whether packages of a Debian-like system can be installed without asking anybody. */
export function canInstallDebianPackages() {
  return process.platform === 'linux' && process.getuid?.() === 0 && which('apt-get') !== undefined;
}

/**
 * @param {readonly string[]} packages
 * @param {(line: string) => void} note
 */
export async function installDebianPackages(packages, note) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const list = packages.join(' ');
  await run('apt-get', ['update'], {
    env,
    onLine: note,
    failure: `The package lists could not be read: check the network, then run “apt-get update && apt-get install ${list}”.`,
  });
  await run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], {
    env,
    onLine: note,
    failure: `Some packages could not be installed: run “apt-get install ${list}” and see what it says.`,
  });
}

/**
 * Runs a child that talks to the user directly, and gives its exit code. Ctrl+C reaches the child by itself; waiting for
 * it lets it tidy up.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>}
 */
export function foreground(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { cwd: repository, env: options.env, stdio: 'inherit' });
    const ignore = () => {};
    process.on('SIGINT', ignore);
    child.on('error', (error) => reject(new SetupFailure(`${command} could not be started: ${error.message}`)));
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}
