import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serverStart } from '../../extension/src/launch.ts';

const bundle = fileURLToPath(new URL('../../dist/language-server.mjs', import.meta.url));

/** A language server of our own, with nothing shared with the user's: its data, models and socket lie in `home`. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  readonly home: string;
  /** Path of the user socket; it exists once the server listens. */
  readonly address: string;
  /** `performance.now()` at the moment of the spawn. */
  readonly spawnedAtMs: number;
  /** What the server wrote on stdout and stderr so far. */
  output(): Promise<string>;
  /** Undefined while it runs; otherwise how it ended. */
  ended(): string | undefined;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the process is gone, however it went. */
  exited(): Promise<void>;
}

export interface ServerOptions {
  readonly home: string;
  /** The runtime: this process's own by default. */
  readonly node?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the server, such as one that gives it a machine of its own. */
  readonly prefix?: readonly string[];
}

/**
 * A temporary home folder (short, since a socket's path has about 100 bytes) with the given model files in `models/`.
 * Removed when it is disposed.
 */
export async function createHome(modelPaths: readonly string[] = []): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'argot-'));
  await mkdir(join(path, 'models'), { mode: 0o700 });
  for (const modelPath of modelPaths) await symlink(modelPath, join(path, 'models', basename(modelPath)));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Where a server with this home listens (protocol/src/address.ts, for a home whose path is short). */
export function addressOf(home: string): string {
  return join(home, 'run', 'server.sock');
}

/** Starts the bundled server. It may not listen yet when this returns: `connect` waits for that. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  if (!existsSync(bundle)) throw new Error(`${bundle} is missing. Run: npm run build`);
  const logPath = join(options.home, 'server-output.log');
  const log = await open(logPath, 'a', 0o600);
  const spawnedAtMs = performance.now();
  const program = [options.node ?? process.execPath, ...serverStart.arguments, bundle];
  const [command = '', ...args] = [...(options.prefix ?? []), ...program];
  const child = spawn(command, args, {
    stdio: ['ignore', log.fd, log.fd],
    env: { ...process.env, ...serverStart.environment, ...options.env, ARGOT_HOME: options.home },
  });
  await once(child, 'spawn');
  await log.close();
  const { pid } = child;
  if (pid === undefined) throw new Error(`${options.node ?? process.execPath} could not be started.`);
  return {
    pid,
    home: options.home,
    address: addressOf(options.home),
    spawnedAtMs,
    output: () => readFile(logPath, 'utf8'),
    ended: () => describeEnd(child),
    kill: (signal) => void child.kill(signal),
    exited: () => exitOf(child),
    [Symbol.asyncDispose]: () => terminate(child),
  };
}

function describeEnd(child: ChildProcess): string | undefined {
  if (child.exitCode !== null) return `exit code ${child.exitCode}`;
  return child.signalCode === null ? undefined : `signal ${child.signalCode}`;
}

async function exitOf(child: ChildProcess): Promise<void> {
  if (describeEnd(child) === undefined) await once(child, 'exit');
}

/** Asks first; a server that does not leave within 5 s is killed, so that no test leaves one behind. */
async function terminate(child: ChildProcess): Promise<void> {
  if (describeEnd(child) !== undefined) return;
  const hardKill = setTimeout(() => child.kill('SIGKILL'), 5000);
  child.kill('SIGTERM');
  await exitOf(child);
  clearTimeout(hardKill);
}
