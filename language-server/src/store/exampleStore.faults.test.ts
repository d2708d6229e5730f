import type { SqlJsStatic } from 'sql.js';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { Example } from '../learning/example.ts';
import { type OwnedExampleStore, openExampleStore } from './createExampleStore.ts';
import { loadSqlite } from './sqlite.ts';
import { createMemoryDisk, type MemoryDisk } from './testing/memoryDisk.ts';
import { sampleExample } from './testing/sampleExamples.ts';

const folder = '/home/store';
const forever = new AbortController().signal;
let sql: SqlJsStatic;
// Hundreds of short days: seconds on a quiet machine.
vi.setConfig({ testTimeout: 60_000 });
beforeAll(async () => {
  sql = await loadSqlite();
});
const open = (files: MemoryDisk) => openExampleStore({ folder, files, sql }, forever);

/** What was promised: examples whose addition was acknowledged and whose deletion was not, and those surely deleted. */
interface Promised {
  readonly stored: Set<string>;
  readonly deleted: Set<string>;
  /** Asked for and not acknowledged: either is right. */
  readonly open: Set<string>;
}

/** A day in short: examples come, an adapter is trained, some are deleted, the server restarts. */
async function day(disk: MemoryDisk, promised: Promised): Promise<void> {
  for (let session = 0; session < 3; session++) {
    let store: OwnedExampleStore;
    try {
      ({ store } = await open(disk));
    } catch {
      continue;
    }
    for (let i = 1; i <= 5; i++) await tryAdd(store, sampleExample(session * 10 + i), promised);
    await store.markUsed('adapter', [`example-${session * 10 + 1}`]);
    const unwanted = `example-${session * 10 + 2}`;
    const outcome = await store.delete([unwanted]);
    if (outcome.ok && promised.stored.has(unwanted)) forget(promised, unwanted);
    else promised.open.add(unwanted);
    await store[Symbol.asyncDispose]();
  }
}

async function tryAdd(store: OwnedExampleStore, example: Example, promised: Promised): Promise<void> {
  const outcome = await store.add(example);
  if (outcome.kind === 'added') promised.stored.add(example.id);
  else if (outcome.kind === 'failed') promised.open.add(example.id);
}

function forget(promised: Promised, id: string): void {
  promised.stored.delete(id);
  promised.open.delete(id);
  promised.deleted.add(id);
}

async function expectKept(disk: MemoryDisk, promised: Promised, what: string): Promise<OwnedExampleStore> {
  const { store, recovery } = await open(disk);
  const ids = new Set((await store.list({}, forever)).map(({ id }) => id));
  for (const id of promised.stored) if (!promised.open.has(id)) expect(ids, `${what}: ${id}`).toContain(id);
  for (const id of promised.deleted) expect(ids, `${what}: ${id}`).not.toContain(id);
  expect(recovery, what).toMatchObject({ damaged: 0, setAside: [] });
  expect((await store.add(sampleExample(999))).kind, what).toBe('added');
  return store;
}

const none = (): Promised => ({ stored: new Set(), deleted: new Set(), open: new Set() });

async function callsOfADay(): Promise<number> {
  const disk = createMemoryDisk();
  await day(disk, none());
  return disk.calls();
}

describe.each(['ENOSPC', 'EIO'])('a disk that fails with %s', (code) => {
  test.each(['once', 'all'] as const)('at any call, %s, loses nothing that was acknowledged', async (how) => {
    const calls = await callsOfADay();
    expect(calls).toBeGreaterThan(50);
    for (let call = 1; call <= calls; call++) {
      const disk = createMemoryDisk();
      const promised = none();
      disk.failAt(call, code, how);
      await day(disk, promised);
      disk.heal();
      await expectKept(disk, promised, `call ${call}`);
    }
  });
});

test('a power cut after any call loses nothing that was acknowledged', async () => {
  const calls = await callsOfADay();
  const random = seeded(1);
  for (let call = 1; call <= calls; call++) {
    for (let repeat = 0; repeat < 2; repeat++) {
      const disk = createMemoryDisk();
      const promised = none();
      // From here on nothing reaches the disk: the process is gone.
      disk.failAt(call, 'EIO', 'all');
      await day(disk, promised);
      await expectKept(disk.afterPowerCut(random), promised, `call ${call}`);
    }
  }
});

test('a wrong byte anywhere in any file loses no example', async () => {
  const disk = createMemoryDisk();
  const promised = none();
  await day(disk, promised);
  const whole = disk.contents();
  expect([...whole.keys()].map((path) => path.replace(/\/[0-9a-f]{64}/, '/HASH')).sort()).toEqual([
    `${folder}/00000001.log`,
    `${folder}/index.db`,
    `${folder}/uses/HASH.log`,
  ]);
  for (const [path, bytes] of whole) {
    const step = path.endsWith('.db') ? 4999 : 19;
    for (let at = 0; at < bytes.length; at += step) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      const copy = createMemoryDisk(new Map(whole).set(path, damaged));
      const store = await expectKept(copy, promised, `${path} byte ${at}`);
      expect(await store.adaptersUsing(['example-1']), `${path} byte ${at}`).toEqual(['adapter']);
    }
  }
});

test('a damaged stretch is set aside, and the rest is kept', async () => {
  const disk = createMemoryDisk();
  await day(disk, none());
  const path = `${folder}/00000001.log`;
  const bytes = Buffer.from(disk.contents().get(path) ?? Buffer.alloc(0));
  bytes.fill('#', 100, 200);
  disk.set(path, bytes);
  const at = (nowMs: number) => openExampleStore({ folder, files: disk, sql, now: () => nowMs }, forever);
  const { store, recovery } = await at(5);
  expect(recovery).toMatchObject({ damaged: 1, setAside: [`${folder}/aside/00000001.log-0-5`] });
  expect((await store.counts()).total).toBe(11);
  expect((await at(6)).recovery).toMatchObject({ damaged: 0, setAside: [] });
  const aside = () => [...disk.contents().keys()].filter((name) => name.includes('/aside/'));
  expect(aside()).toHaveLength(1);
  await at(5 + 31 * 86_400_000);
  expect(aside()).toEqual([]);
});

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
