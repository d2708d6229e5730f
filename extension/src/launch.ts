import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { homeFolder, logFile, type Machine } from '#protocol/address.ts';

/** A server process that this window started; it outlives the window. */
export interface Launched {
  readonly pid: number | undefined;
  /** How it ended, once it did. */
  readonly ended: () => string | undefined;
}

/** How the server's process begins; tests and benchmarks start theirs alike. */
export const serverStart = {
  /** Without a limit V8 keeps 64 MiB more for what is young, and soon of no use, after a few adapters. */
  arguments: ['--max-semi-space-size=16'],
  environment: {
    /** glibc's own threshold grows with what is freed, and then keeps adapters and contexts that are gone. */
    MALLOC_MMAP_THRESHOLD_: String(1 << 20),
    /** Each token is a trip to a thread of this pool: of two it finds one awake and its data near; of four more rarely. */
    UV_THREADPOOL_SIZE: '2',
  },
} as const;

const maxLogBytes = 4 * 1024 * 1024;

/** Starts the server on its own: closing this window or its extension host does not end it. */
export function launch(script: string, machine: Machine): Launched {
  const log = openLog(machine);
  let ended: string | undefined;
  const child = spawn(process.execPath, [...serverStart.arguments, script], {
    detached: true,
    windowsHide: true,
    // The folder of the workspace could be removed or unmounted under a process that outlives it.
    cwd: machine.userHome,
    env: { ...process.env, ...serverStart.environment, ELECTRON_RUN_AS_NODE: '1' },
    stdio: ['ignore', log ?? 'ignore', log ?? 'ignore'],
  });
  if (log !== undefined) closeSync(log);
  child.on('error', (error) => {
    ended = error.message;
  });
  child.on('exit', (code, signalName) => {
    ended = code === null ? `signal ${signalName}` : `exit code ${code}`;
  });
  child.unref();
  return { pid: child.pid, ended: () => ended };
}

/** The last lines that the server wrote before it could speak; they say why it did not start. */
export function logTail(machine: Machine, lines = 5): string {
  try {
    return readFileSync(logFile(machine), 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}

/** Undefined where the disk takes no file: the server then runs without a log rather than not at all. */
function openLog(machine: Machine): number | undefined {
  const file = logFile(machine);
  try {
    mkdirSync(homeFolder(machine), { recursive: true, mode: 0o700 });
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    return openSync(file, sizeOf(file) > maxLogBytes ? 'w' : 'a', 0o600);
  } catch {
    return undefined;
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
