import { randomUUID } from 'node:crypto';
import { link, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { errorCode } from './faults.ts';

const ownerSchema = z.object({ pid: z.number().int(), host: z.string(), token: z.string() });
type Owner = z.infer<typeof ownerSchema>;

export interface Lock extends AsyncDisposable {
  /** Aborted when another process took the lock, as after a long sleep of the machine. */
  readonly lost: AbortSignal;
}

export interface LockTimes {
  readonly beatMs: number;
  readonly staleMs: number;
  readonly pollMs: number;
}

const usualTimes: LockTimes = { beatMs: 5000, staleMs: 30_000, pollMs: 200 };

/**
 * Waits until this process alone holds the lock file. The holder touches it while it lives, so that one whose process is
 * gone is taken over: at once on this machine, after `staleMs` on a shared folder. Throws disk errors, and the reason of
 * `signal`.
 */
export async function acquireLock(
  path: string,
  signal: AbortSignal,
  onWait: () => Promise<void>,
  times: LockTimes = usualTimes,
): Promise<Lock> {
  const owner: Owner = { pid: process.pid, host: hostname(), token: randomUUID() };
  for (;;) {
    signal.throwIfAborted();
    if (await create(path, owner)) return hold(path, owner, times);
    if (await removeStale(path, times.staleMs)) continue;
    await onWait();
    await sleep(times.pollMs, undefined, { signal });
  }
}

async function create(path: string, owner: Owner): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify(owner));
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function hold(path: string, owner: Owner, times: LockTimes): Lock {
  const lost = new AbortController();
  const beat = setInterval(async () => {
    if ((await readOwner(path))?.token !== owner.token) lost.abort(new Error('another process took the lock'));
    else await utimes(path, new Date(), new Date()).catch(() => undefined);
  }, times.beatMs);
  beat.unref();
  return {
    lost: lost.signal,
    async [Symbol.asyncDispose]() {
      clearInterval(beat);
      if ((await readOwner(path))?.token === owner.token) await rm(path, { force: true });
    },
  };
}

/**
 * Renaming decides who removes a stale lock. Between the look and the rename another process may have replaced it: a lock
 * that is not the judged one is put back.
 */
async function removeStale(path: string, staleMs: number): Promise<boolean> {
  const judged = await readOwner(path);
  if (!(await isStale(path, judged, staleMs))) return false;
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return true;
  }
  const taken = await readOwner(aside);
  if (taken?.token !== judged?.token) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return true;
}

async function isStale(path: string, owner: Owner | undefined, staleMs: number): Promise<boolean> {
  const status = await stat(path).catch(() => undefined);
  if (!status) return false;
  if (Date.now() - status.mtimeMs > staleMs) return true;
  return owner !== undefined && owner.host === hostname() && !isAlive(owner.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** Undefined where there is none, or one that is only half written. */
async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}
