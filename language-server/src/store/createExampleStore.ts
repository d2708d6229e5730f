import { diskFault, type Fault } from '../engine/faults.ts';
import type { Example } from '../learning/example.ts';
import type { Entry } from './exampleIndex.ts';
import { readExamples } from './exampleReader.ts';
import type { AddOutcome, ChangeOutcome, Deletion, ExampleStore } from './exampleStore.ts';
import { replaceFile } from './fileSystem.ts';
import { encodeIndexFile, indexName } from './indexFile.ts';
import { encodeLine } from './line.ts';
import { type Contents, openContents, type StoreParts } from './openContents.ts';
import { markOf, type Recovery } from './recover.ts';
import { exampleRecord, mostOfIdiom } from './storedExample.ts';

export interface OwnedExampleStore extends ExampleStore, AsyncDisposable {
  /** Deletes what is older than `beforeMs`, and the oldest beyond `most`. */
  retain(beforeMs: number, most: number): Promise<ChangeOutcome>;
}

/** After so many additions the index is saved, so that a start has little to read again. */
const saveAfter = 1000;
/** Retention by count deletes this share more, so that it does not run at each addition. */
const slack = 0.02;

/** The caller holds the folder's lock: there is one writer. Throws where the folder can't be read or made. */
export async function openExampleStore(
  parts: StoreParts,
  signal: AbortSignal,
): Promise<{ readonly store: OwnedExampleStore; readonly recovery: Readonly<Recovery> }> {
  const { contents, recovery } = await openContents(parts, signal);
  return { store: createExampleStore(parts, contents), recovery };
}

function createExampleStore(parts: StoreParts, opened: Contents): OwnedExampleStore {
  const { files, folder } = parts;
  let contents = opened;
  let unsaved = 0;
  let last: Promise<unknown> = Promise.resolve();
  const listeners = new Set<(deletion: Deletion) => void>();

  /** One change after another; a disk that fails is an outcome. */
  function change<T>(work: () => Promise<T>): Promise<T | { readonly ok: false; readonly fault: Fault }> {
    const done = last.then(work).catch((error: unknown) => ({ ok: false as const, fault: diskFault(error, folder) }));
    last = done;
    return done;
  }

  async function save(): Promise<void> {
    const { index, segments, marks } = contents;
    for (const segment of index.segments()) {
      if (!marks.has(segment)) marks.set(segment, markOf(await segments.read(segment)));
    }
    await replaceFile(files, folder, indexName, encodeIndexFile(index.save(marks)));
    unsaved = 0;
  }

  async function erase(entries: readonly Entry[]): Promise<void> {
    const { index, segments, marks } = contents;
    const touched = new Set(entries.map(({ segment }) => segment));
    for (const segment of touched) marks.delete(segment);
    await segments.blank(entries);
    index.remove(entries.map(({ id }) => id));
    const filled = index.segments();
    const empty = [...touched].filter((segment) => !filled.has(segment));
    await segments.remove(empty);
    // The saved index names paths too. It can be built again, so a disk without room for a new one keeps none.
    await save().catch(() => files.remove(`${folder}/${indexName}`));
  }

  async function remove(entries: readonly Entry[]): Promise<ChangeOutcome> {
    if (entries.length === 0) return { ok: true };
    const ids = entries.map(({ id }) => id);
    const adapterIds = contents.uses.adaptersUsing(ids);
    await erase(entries);
    for (const listener of listeners) listener({ ids, adapterIds });
    return { ok: true };
  }

  async function add(example: Example): Promise<AddOutcome> {
    const { index, segments, marks } = contents;
    if (index.hasContent(example.kind, example.contentHash) || index.countIdiom(example) >= mostOfIdiom(example)) {
      return { kind: 'duplicate' };
    }
    const place = await segments.append(encodeLine(exampleRecord(example)));
    marks.delete(place.segment);
    index.put(example, place);
    // The example is safe already, so that a failure here is none of the caller's.
    if (++unsaved >= saveAfter) await save().catch(() => undefined);
    return { kind: 'added' };
  }

  return {
    async add(example) {
      const outcome = await change(() => add(example));
      return 'kind' in outcome ? outcome : { kind: 'failed', fault: outcome.fault };
    },
    async list(query, signal) {
      const { index, segments } = contents;
      const wanted = query.search?.toLowerCase();
      const from = wanted === undefined ? 0 : (query.offset ?? 0);
      const most = query.limit ?? Number.POSITIVE_INFINITY;
      const found: Example[] = [];
      let matches = 0;
      for await (const example of readExamples(index.select(query), segments.read, signal)) {
        if (wanted !== undefined && !`${example.path}\n${example.text}`.toLowerCase().includes(wanted)) continue;
        if (matches++ >= from) found.push(example);
        if (found.length >= most) break;
      }
      return found;
    },
    counts: async (query = {}) => contents.index.counts(query),
    delete: (ids) => change(() => remove(contents.index.find(ids))),
    retain: (beforeMs, most) =>
      change(() => {
        const { index } = contents;
        const limit = index.counts({}).total > most * (1 + slack) ? most : Number.MAX_SAFE_INTEGER;
        return remove(index.find(index.outdated(beforeMs, limit)));
      }),
    deleteAll: () =>
      change(async () => {
        const ids = contents.index.select({}).map(({ id }) => id);
        const adapterIds = contents.uses.adaptersUsing(ids);
        await contents.segments.close().catch(() => undefined);
        contents.index[Symbol.dispose]();
        try {
          await files.remove(folder);
        } finally {
          contents = (await openContents(parts, new AbortController().signal)).contents;
        }
        for (const listener of listeners) listener({ ids, adapterIds });
        return { ok: true };
      }),
    markUsed: (adapterId, ids) =>
      change(async () => {
        await contents.uses.mark(adapterId, ids);
        return { ok: true };
      }),
    forgetAdapter: (adapterId) =>
      change(async () => {
        await contents.uses.forget(adapterId);
        return { ok: true };
      }),
    adaptersUsing: async (ids) => contents.uses.adaptersUsing(ids),
    onDeleted(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      await change(async () => {
        if (unsaved > 0) await save().catch(() => undefined);
        await contents.segments.close();
        contents.index[Symbol.dispose]();
      });
    },
  };
}
