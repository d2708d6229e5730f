import { readFile } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';

export interface MachineMemory {
  readonly totalBytes: number;
  /** What a new process may take without driving others out. */
  readonly availableBytes: number;
}

/** Tells a file's text, or undefined where it can't be read. */
export type ReadText = (path: string) => Promise<string | undefined>;

/**
 * On Linux the smaller of the machine's and the control group's, as containers set it. macOS counts pages that it gives
 * back on demand as used, so there half of the machine is taken as available when less is free.
 */
export async function machineMemory(
  platform: string = process.platform,
  readText: ReadText = readOrUndefined,
): Promise<MachineMemory> {
  const plain = { totalBytes: totalmem(), availableBytes: freemem() };
  if (platform === 'darwin') return { ...plain, availableBytes: Math.max(plain.availableBytes, plain.totalBytes / 2) };
  if (platform !== 'linux') return plain;
  const meminfo = (await readText('/proc/meminfo')) ?? '';
  const machine = {
    totalBytes: kilobytes(meminfo, 'MemTotal') ?? plain.totalBytes,
    availableBytes: kilobytes(meminfo, 'MemAvailable') ?? plain.availableBytes,
  };
  return (await controlGroups(readText)).reduce(smaller, machine);
}

/** The share of the machine that stays free for the editor and the rest. */
const reserve = 0.05;
const maxReserveBytes = 512e6;

/** `ownBytes` is what would be given back first, such as the model in use. */
export function fits(needBytes: number, memory: MachineMemory, ownBytes = 0): boolean {
  const kept = Math.min(memory.totalBytes * reserve, maxReserveBytes);
  return needBytes <= memory.availableBytes + ownBytes - kept;
}

function smaller(a: MachineMemory, b: MachineMemory): MachineMemory {
  return {
    totalBytes: Math.min(a.totalBytes, b.totalBytes),
    availableBytes: Math.min(a.availableBytes, b.availableBytes),
  };
}

/** Every group from the process's own up to the root may hold a limit. */
async function controlGroups(readText: ReadText): Promise<readonly MachineMemory[]> {
  const own = (await readText('/proc/self/cgroup')) ?? '';
  const found: MachineMemory[] = [];
  for (const line of own.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (controllers === '') found.push(...(await limitsUpwards('/sys/fs/cgroup', path, version2, readText)));
    if (controllers?.split(',').includes('memory')) {
      found.push(...(await limitsUpwards('/sys/fs/cgroup/memory', path, version1, readText)));
    }
  }
  return found;
}

interface GroupFiles {
  readonly limit: string;
  readonly used: string;
  /** In `memory.stat`: cached file pages that the kernel gives back. */
  readonly cached: string;
}

const version1: GroupFiles = {
  limit: 'memory.limit_in_bytes',
  used: 'memory.usage_in_bytes',
  cached: 'total_inactive_file',
};
const version2: GroupFiles = { limit: 'memory.max', used: 'memory.current', cached: 'inactive_file' };

async function limitsUpwards(root: string, path: string, files: GroupFiles, readText: ReadText) {
  const found: MachineMemory[] = [];
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  for (let depth = parts.length; depth >= 0; depth--) {
    const folder = [root, ...parts.slice(0, depth)].join('/');
    const totalBytes = Number.parseInt((await readText(`${folder}/${files.limit}`)) ?? '', 10);
    const usedBytes = Number.parseInt((await readText(`${folder}/${files.used}`)) ?? '', 10);
    // `max` and the huge default of version 1 mean no limit.
    if (!(totalBytes < 2 ** 50) || !(usedBytes >= 0)) continue;
    const cached = new RegExp(`^${files.cached} (\\d+)$`, 'm').exec((await readText(`${folder}/memory.stat`)) ?? '');
    const availableBytes = Math.max(0, totalBytes - usedBytes + Number(cached?.[1] ?? 0));
    found.push({ totalBytes, availableBytes });
  }
  return found;
}

function kilobytes(meminfo: string, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo);
  return found ? Number(found[1]) * 1024 : undefined;
}

async function readOrUndefined(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
