import type { SqlJsStatic } from 'sql.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { type OwnedExampleStore, openExampleStore } from './createExampleStore.ts';
import type { Deletion } from './exampleStore.ts';
import { loadSqlite } from './sqlite.ts';
import { createMemoryDisk, type MemoryDisk } from './testing/memoryDisk.ts';
import { sampleExample } from './testing/sampleExamples.ts';

const folder = '/home/store';
const forever = new AbortController().signal;
let sql: SqlJsStatic;
beforeAll(async () => {
  sql = await loadSqlite();
});
const open = (files: MemoryDisk) => openExampleStore({ folder, files, sql }, forever);
const ids = async (store: OwnedExampleStore) => (await store.list({}, forever)).map(({ id }) => id);
const onDisk = (disk: MemoryDisk, words: string) =>
  [...disk.contents()].flatMap(([path, bytes]) => (bytes.includes(words) ? path : []));

async function filled(disk: MemoryDisk, count: number): Promise<OwnedExampleStore> {
  const { store } = await open(disk);
  for (let i = 1; i <= count; i++) expect(await store.add(sampleExample(i))).toEqual({ kind: 'added' });
  return store;
}

test('what was added is there after a restart, newest first', async () => {
  const disk = createMemoryDisk();
  await filled(disk, 3);
  const { store, recovery } = await open(disk);
  expect(await ids(store)).toEqual(['example-3', 'example-2', 'example-1']);
  expect(await store.list({ ids: ['example-2'] }, forever)).toEqual([sampleExample(2)]);
  expect(recovery).toMatchObject({ repaired: 0, damaged: 0, setAside: [] });
});

test('a closed store starts from its index', async () => {
  const disk = createMemoryDisk();
  await (await filled(disk, 3))[Symbol.asyncDispose]();
  const { store, recovery } = await open(disk);
  expect(recovery.rebuiltIndex).toBe(false);
  expect(await ids(store)).toHaveLength(3);
});

test('examples are found by kind, repository, language, time and words', async () => {
  const { store } = await open(createMemoryDisk());
  await store.add(sampleExample(1));
  await store.add(sampleExample(2, { kind: 'corrected', repository: 'bank#11111111', languageId: 'python' }));
  await store.add(sampleExample(3, { path: 'src/Naïve.js' }));
  const found = async (query: Parameters<typeof store.list>[0]) =>
    (await store.list(query, forever)).map(({ id }) => id);
  expect(await found({ kinds: ['corrected'] })).toEqual(['example-2']);
  expect(await found({ repositories: ['shop#00000000'], order: 'oldestFirst' })).toEqual(['example-1', 'example-3']);
  expect(await found({ languageIds: ['python'] })).toEqual(['example-2']);
  expect(await found({ fromMs: 1_700_000_002_000, untilMs: 1_700_000_003_000 })).toEqual(['example-2']);
  expect(await found({ search: 'PRICE2' })).toEqual(['example-2']);
  expect(await found({ search: 'naïve' })).toEqual(['example-3']);
  expect(await found({ search: 'prices', offset: 1, limit: 1 })).toEqual(['example-2']);
  expect(await store.counts()).toEqual({
    total: 3,
    byKind: { accepted: 2, partial: 0, corrected: 1, typedInstead: 0, undone: 0, ownHistory: 0 },
    byRepository: new Map([
      ['shop#00000000', 2],
      ['bank#11111111', 1],
    ]),
    oldestMs: 1_700_000_001_000,
    newestMs: 1_700_000_003_000,
  });
});

describe('no idiom floods the set', () => {
  test('the same example is stored once', async () => {
    const { store } = await open(createMemoryDisk());
    await store.add(sampleExample(1));
    expect(await store.add({ ...sampleExample(1), id: 'again' })).toEqual({ kind: 'duplicate' });
  });
  test('the same code is another example where it was corrected or taken back: that teaches more', async () => {
    const { store } = await open(createMemoryDisk());
    await store.add(sampleExample(1));
    for (const kind of ['corrected', 'undone'] as const) {
      expect(await store.add({ ...sampleExample(1, { kind }), id: kind })).toEqual({ kind: 'added' });
      expect(await store.add({ ...sampleExample(1, { kind }), id: `${kind} again` })).toEqual({ kind: 'duplicate' });
    }
  });
  test('one idiom with other literals around it five times', async () => {
    const { store } = await open(createMemoryDisk());
    const outcomes: string[] = [];
    for (let i = 0; i < 8; i++) {
      const text = `const a${i} = 1;\nif (error) throw new Error('number ${i}');\n`;
      outcomes.push(
        (await store.add(sampleExample(i, { text, spanStart: text.indexOf('if'), spanEnd: text.length }))).kind,
      );
    }
    expect(outcomes).toEqual([...Array(5).fill('added'), ...Array(3).fill('duplicate')]);
  });
});

describe('a deleted example', () => {
  test('is nowhere on the disk, the saved index included', async () => {
    const disk = createMemoryDisk();
    const store = await filled(disk, 4);
    await store[Symbol.asyncDispose]();
    const { store: again } = await open(disk);
    expect(onDisk(disk, 'src/total2.js')).not.toEqual([]);
    expect(await again.delete(['example-2', 'unknown'])).toEqual({ ok: true });
    expect(onDisk(disk, 'total2')).toEqual([]);
    expect(await ids((await open(disk)).store)).toEqual(['example-4', 'example-3', 'example-1']);
  });
  test('is told to those whose adapters used it', async () => {
    const disk = createMemoryDisk();
    const store = await filled(disk, 3);
    await store.markUsed('adapter/1', ['example-1', 'example-2']);
    await store.markUsed('adapter 2', ['example-3']);
    const { store: again } = await open(disk);
    const told: Deletion[] = [];
    again.onDeleted((deletion) => told.push(deletion));
    expect(await again.adaptersUsing(['example-2'])).toEqual(['adapter/1']);
    await again.delete(['example-2']);
    expect(told).toEqual([{ ids: ['example-2'], adapterIds: ['adapter/1'] }]);
    await again.forgetAdapter('adapter/1');
    expect(await again.adaptersUsing(['example-1'])).toEqual([]);
  });
  test('goes with all others, and the store goes on', async () => {
    const disk = createMemoryDisk();
    const store = await filled(disk, 3);
    await store.markUsed('a', ['example-1']);
    disk.set(`${folder}/aside/00000001.log-5`, Buffer.from('total9'));
    expect(await store.deleteAll()).toEqual({ ok: true });
    expect(onDisk(disk, 'total')).toEqual([]);
    expect(await store.add(sampleExample(7))).toEqual({ kind: 'added' });
    expect(await ids((await open(disk)).store)).toEqual(['example-7']);
  });
});

test('retention deletes by age, then by count', async () => {
  const disk = createMemoryDisk();
  const store = await filled(disk, 10);
  await store.retain(1_700_000_003_500, 100);
  expect((await store.counts()).total).toBe(7);
  await store.retain(0, 4);
  expect(await ids(store)).toEqual(['example-10', 'example-9', 'example-8', 'example-7']);
  expect(onDisk(disk, 'total6')).toEqual([]);
});

test('an index of a later version is built again', async () => {
  const disk = createMemoryDisk();
  await (await filled(disk, 2))[Symbol.asyncDispose]();
  const path = `${folder}/index.db`;
  const { decodeIndexFile, encodeIndexFile } = await import('./indexFile.ts');
  const later = new sql.Database(decodeIndexFile(disk.contents().get(path) ?? Buffer.alloc(0)));
  later.run('PRAGMA user_version = 99');
  disk.set(path, encodeIndexFile(Buffer.from(later.export())));
  const { store, recovery } = await open(disk);
  expect(recovery.rebuiltIndex).toBe(true);
  expect(await ids(store)).toHaveLength(2);
});

test('an index of the first version is migrated', async () => {
  const disk = createMemoryDisk();
  await (await filled(disk, 2))[Symbol.asyncDispose]();
  const { encodeIndexFile } = await import('./indexFile.ts');
  const { migrations } = await import('./migrations.ts');
  const first = new sql.Database();
  first.exec(`${migrations[0]} PRAGMA user_version = 1;`);
  first.run("INSERT INTO mark VALUES (1, 10, 10); INSERT INTO example VALUES ('old', 0, '', '', '', 0, '', 9, 0, 10)");
  disk.set(`${folder}/index.db`, encodeIndexFile(Buffer.from(first.export())));
  const { store, recovery } = await open(disk);
  expect(recovery.rebuiltIndex).toBe(false);
  expect(await ids(store)).toEqual(['example-2', 'example-1']);
  expect((await store.add({ ...sampleExample(1), id: 'again' })).kind).toBe('duplicate');
});
