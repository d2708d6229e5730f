import { readdir, readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { logFile, type Machine, serverAddress } from '#protocol/address.ts';
import { greetingSchema } from '#protocol/handshake.ts';
import { readLine } from '../../lib/handshake.ts';

const exitPatienceMs = 5000;

/** The process of the language server that uses this ARGOT_HOME, by its greeting; undefined where nobody listens. */
export async function languageServerPid(home: string): Promise<number | undefined> {
  const socket = createConnection(serverAddress(machineWith(home)).path);
  try {
    const line = await readLine(socket, AbortSignal.timeout(exitPatienceMs));
    return greetingSchema.parse(JSON.parse(line)).pid;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}

/** The end of what the language server wrote before and beside LSP. */
export async function languageServerLog(home: string): Promise<string> {
  const text = await readFile(logFile(machineWith(home)), 'utf8').catch(() => '');
  return text.slice(-3000);
}

/** Ends every process that works for this ARGOT_HOME: the language server, also one that no longer answers. */
export async function endLanguageServer(home: string): Promise<void> {
  const pid = await languageServerPid(home);
  const pids = new Set(await processesOf(home));
  if (pid !== undefined) pids.add(pid);
  for (const each of pids) kill(each, 'SIGTERM');
  const deadline = performance.now() + exitPatienceMs;
  while ([...pids].some(isAlive) && performance.now() < deadline) await sleep(20);
  for (const each of pids) kill(each, 'SIGKILL');
}

/** Linux tells by the environment whose a process is; elsewhere the greeting must do. */
async function processesOf(home: string): Promise<number[]> {
  if (process.platform !== 'linux') return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found: number[] = [];
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.split('\0').includes(`ARGOT_HOME=${home}`)) found.push(pid);
  }
  return found;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has left already.
  }
}

function machineWith(home: string): Machine {
  const { username, homedir } = userInfo();
  return {
    platform: process.platform,
    env: { ARGOT_HOME: home },
    uid: process.getuid?.(),
    userName: username,
    userHome: homedir,
    temporary: tmpdir(),
  };
}
