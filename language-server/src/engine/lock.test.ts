import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireLock } from './lock.ts';

const times = { beatMs: 20, staleMs: 1000, pollMs: 10 };
const signal = new AbortController().signal;
const nothing = async () => undefined;

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rm(folder, { recursive: true }));

async function finishedPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

describe('acquireLock', () => {
  it('lets one in at a time, however many wait', async () => {
    let inside = 0;
    let most = 0;
    const visit = async () => {
      await using _ = await acquireLock(path, signal, nothing, times);
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
    };
    await Promise.all(Array.from({ length: 8 }, visit));
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('outlasts the time after which a lock is stale, by touching it', async () => {
    await using _ = await acquireLock(path, signal, nothing, times);
    const waiting = acquireLock(path, AbortSignal.timeout(1.6 * times.staleMs), nothing, times);
    await expect(waiting).rejects.toThrow();
  });

  it('takes over from a process that is gone, at once', async () => {
    await writeFile(path, JSON.stringify({ pid: await finishedPid(), host: hostname(), token: 'gone' }));
    const before = performance.now();
    await using _ = await acquireLock(path, signal, nothing, { ...times, staleMs: 60_000 });
    expect(performance.now() - before).toBeLessThan(1000);
  });

  it('waits for another machine until its lock is old', async () => {
    await writeFile(path, JSON.stringify({ pid: await finishedPid(), host: 'elsewhere', token: 'far' }));
    await expect(acquireLock(path, AbortSignal.timeout(100), nothing, { ...times, staleMs: 60_000 })).rejects.toThrow();
    await utimes(path, new Date(0), new Date(0));
    await using _ = await acquireLock(path, signal, nothing, times);
  });

  it('takes over an old file that is no lock', async () => {
    await writeFile(path, 'rubbish');
    await utimes(path, new Date(0), new Date(0));
    await using _ = await acquireLock(path, signal, nothing, times);
  });

  it('tells its holder that it was lost, and leaves the other’s in place', async () => {
    {
      await using lock = await acquireLock(path, signal, nothing, times);
      await writeFile(path, JSON.stringify({ pid: process.pid, host: hostname(), token: 'another' }));
      await once(lock.lost, 'abort');
    }
    expect(await readdir(folder)).toEqual(['lock']);
  });

  it('can be cancelled while it waits', async () => {
    await using _ = await acquireLock(path, signal, nothing, times);
    const cancel = new AbortController();
    await expect(acquireLock(path, cancel.signal, async () => cancel.abort(), times)).rejects.toThrow();
  });
});
