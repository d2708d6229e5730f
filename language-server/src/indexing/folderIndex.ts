import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { secret } from '../completion/filters/secret.ts';
import { chunkTerms } from '../context/chunkTerms.ts';
import { rejectText } from '../context/indexable.ts';
import { type QueryText, queryTerms } from '../context/query.ts';
import { createRepositoryIndex, type FoundChunk } from '../context/repositoryIndex.ts';
import type { IndexedChunk } from '../context/segment.ts';
import { textHash } from '../context/textHash.ts';
import { createFileTexts, type FileText } from './fileTexts.ts';
import type { Chunker } from './grammars.ts';
import type { IndexStore } from './indexStore.ts';
import { admits, walk } from './walk.ts';

/** A chunk with its text as it is now. */
export interface TextChunk extends FoundChunk {
  readonly text: string;
}

export interface FolderIndexDeps {
  readonly root: string;
  readonly store: IndexStore;
  readonly chunker: Chunker;
  /** By path relative to the root. */
  readonly excluded: (path: string) => boolean;
  readonly signal: AbortSignal;
  readonly progress: (progress: IndexProgress) => void;
}

export interface IndexProgress {
  readonly state: 'scanning' | 'ready';
  readonly files: number;
  readonly chunks: number;
  readonly sizeBytes: number;
  /** The limits were reached: the rest of the folder is not indexed. */
  readonly truncated: boolean;
}

/** The index of one workspace folder, kept in step with its files. */
export interface FolderIndex {
  /** Loads what was stored, then looks at every file's size and time. May be called again when much has changed. */
  scan(): Promise<void>;
  /** Files that were made, changed or removed, relative to the root. */
  changed(paths: readonly string[]): Promise<void>;
  /** An open document's text; undefined once it is closed. */
  overlay(path: string, text: string | undefined): Promise<void>;
  /** Best first. Chunks of `related` files count for more. */
  query(text: QueryText, count: number, related?: ReadonlySet<string>): readonly TextChunk[];
  save(): Promise<void>;
}

/** Twice as much was worse on authors' packages, and nothing a little. */
const relatedFactor = 1.3;
const none: ReadonlySet<string> = new Set();
const mostFiles = 100_000;
const mostBytes = 96 * 1024 * 1024;
const progressMs = 200;
/** Saved in between, so that a long first build that is interrupted need not begin again. */
const saveEveryFiles = 2500;

export async function openFolderIndex(deps: FolderIndexDeps): Promise<FolderIndex> {
  const { root, chunker, signal } = deps;
  const index = createRepositoryIndex(await deps.store.load());
  const texts = createFileTexts(root);
  let truncated = false;
  let scans = 0;

  async function take(path: string, file: FileText): Promise<void> {
    index.put({ path, sizeBytes: file.sizeBytes, modifiedMs: file.modifiedMs }, await chunksIn(path, file.text));
  }

  async function chunksIn(path: string, text: string): Promise<IndexedChunk[]> {
    if (text === '' || rejectText(text) !== undefined) return [];
    const lines = text.split('\n');
    const chunks: IndexedChunk[] = [];
    for (const { start, end } of await chunker.chunk(path, text)) {
      const piece = lines.slice(start, end).join('\n');
      if (piece.trim() === '' || holdsSecret(piece)) continue;
      chunks.push({ start, end, hash: textHash(piece), terms: chunkTerms(piece, path) });
    }
    return chunks;
  }

  function report(state: IndexProgress['state']): void {
    const { chunkCount: chunks, sizeBytes } = index;
    deps.progress({ state, files: index.paths().length, chunks, sizeBytes, truncated });
  }

  async function refresh(path: string): Promise<void> {
    const file = (await admits(root, path, deps.excluded)) ? await texts.read(path) : undefined;
    if (file === undefined) index.remove(path);
    else await take(path, file);
  }

  function withTexts(found: readonly FoundChunk[]): TextChunk[] {
    const files = new Map<string, readonly string[] | undefined>();
    const chunks: TextChunk[] = [];
    const stale = new Set<string>();
    for (const chunk of found) {
      const { path, start, end, hash } = chunk;
      if (deps.excluded(path)) continue;
      if (!files.has(path)) files.set(path, texts.readNow(path)?.split('\n'));
      const text = files.get(path)?.slice(start, end).join('\n');
      if (text !== undefined && textHash(text) === hash) chunks.push({ ...chunk, text });
      else stale.add(path);
    }
    if (stale.size > 0) void changed([...stale]);
    return chunks;
  }

  async function changed(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      if (signal.aborted) return;
      await refresh(path);
      if (paths.length > 1) await nextTurn();
    }
    index.seal();
  }

  return {
    async scan() {
      const turn = ++scans;
      const seen = new Set<string>();
      truncated = false;
      let reported = performance.now();
      let taken = 0;
      for await (const path of walk(root, deps.excluded, signal)) {
        if (signal.aborted || turn !== scans) return;
        if (seen.size >= mostFiles || index.sizeBytes > mostBytes) {
          truncated = true;
          break;
        }
        seen.add(path);
        if (texts.isOpen(path)) continue;
        const known = index.file(path);
        const found = await stat(join(root, path)).catch(() => undefined);
        if (found === undefined) continue;
        if (known?.sizeBytes === found.size && known.modifiedMs === found.mtimeMs) continue;
        const file = await texts.read(path);
        if (file === undefined) continue;
        await take(path, file);
        await nextTurn();
        if (++taken % saveEveryFiles === 0) await deps.store.save(index.segments());
        if (performance.now() - reported < progressMs) continue;
        report('scanning');
        reported = performance.now();
      }
      if (!truncated) for (const path of index.paths()) if (!seen.has(path) && !texts.isOpen(path)) index.remove(path);
      index.seal();
      await deps.store.save(index.segments());
      report('ready');
    },
    changed,
    async overlay(path, text) {
      texts.overlay(path, text);
      await refresh(path);
      index.seal();
    },
    query(text, count, related = none) {
      const found = index
        .search(queryTerms(text), count * 3)
        .map((chunk) => (related.has(chunk.path) ? { ...chunk, score: chunk.score * relatedFactor } : chunk));
      return withTexts(found.toSorted((a, b) => b.score - a.score).slice(0, count));
    },
    save: () => deps.store.save(index.segments()),
  };
}

/** Such a chunk is left out: what is in no prompt can't be learned from one either. */
function holdsSecret(text: string): boolean {
  return secret(text, { prefix: '', suffix: '', languageId: '', mode: { mode: 'line' } }).kind === 'withhold';
}
