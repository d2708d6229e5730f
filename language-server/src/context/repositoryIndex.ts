import { search, type WeightedTerm } from './bm25.ts';
import {
  bytesOf,
  chunkAt,
  createSegmentBuilder,
  type IndexedChunk,
  type IndexedFile,
  maxChunks,
  type Segment,
} from './segment.ts';

/** A chunk that was found; its text must be read, and be what was indexed (`hash`), before it is used. */
export interface FoundChunk {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly hash: number;
  readonly score: number;
}

/** The index of one workspace folder, in memory. No text is kept: only where it stands, and its hash. */
export interface RepositoryIndex {
  /** Replaces what was known of the file; found by searches after the next `seal`. */
  put(file: IndexedFile, chunks: readonly IndexedChunk[]): void;
  remove(path: string): void;
  /** Makes what was put searchable, and merges small parts when there are many. */
  seal(): void;
  search(query: readonly WeightedTerm[], count: number): FoundChunk[];
  file(path: string): IndexedFile | undefined;
  paths(): readonly string[];
  readonly sizeBytes: number;
  readonly chunkCount: number;
  /** Oldest first; what a later one says of a file replaces what an earlier one says. */
  segments(): readonly Segment[];
}

interface Held {
  readonly segment: Segment;
  readonly dead: Uint8Array;
  deadCount: number;
}

/** A segment below this size is merged with others of its kind when there are too many. */
const smallChunks = maxChunks / 8;
const mostSmall = 12;

export function createRepositoryIndex(stored: readonly Segment[] = []): RepositoryIndex {
  let held: Held[] = [];
  const where = new Map<string, { readonly held: Held; readonly file: number }>();
  let open = createSegmentBuilder();
  const inOpen = new Set<string>();
  for (const segment of stored) hold(segment);

  function hold(segment: Segment): void {
    const entry: Held = { segment, dead: new Uint8Array(segment.files.length), deadCount: 0 };
    held.push(entry);
    for (const [file, { path }] of segment.files.entries()) {
      bury(path);
      where.set(path, { held: entry, file });
    }
  }

  function bury(path: string): void {
    const known = where.get(path);
    if (known === undefined) return;
    known.held.dead[known.file] = 1;
    known.held.deadCount++;
    where.delete(path);
  }

  function seal(): void {
    if (open.fileCount > 0) {
      const sealed = open.finish();
      open = createSegmentBuilder();
      inOpen.clear();
      hold(sealed);
    }
    const small = held.filter(({ segment }) => segment.chunkTerms.length < smallChunks);
    if (small.length > mostSmall) rewrite(small);
    const rotten = held.filter(({ segment, deadCount }) => deadCount * 2 > segment.files.length);
    if (rotten.length > 0) rewrite(rotten);
  }

  function rewrite(old: readonly Held[]): void {
    held = held.filter((entry) => !old.includes(entry));
    let builder = createSegmentBuilder();
    const finish = (): void => {
      if (builder.fileCount > 0) hold(builder.finish());
      builder = createSegmentBuilder();
    };
    for (const { segment, dead } of old) {
      if (!builder.hasRoomFor(segment.chunkTerms.length)) finish();
      for (const [file, { path }] of segment.files.entries()) if (!dead[file]) where.delete(path);
      builder.addSegment(segment, (file) => !dead[file]);
    }
    finish();
  }

  return {
    put(file, chunks) {
      if (inOpen.has(file.path) || !open.hasRoomFor(chunks.length)) seal();
      bury(file.path);
      inOpen.add(file.path);
      open.addFile(file, chunks.slice(0, maxChunks));
    },
    remove(path) {
      if (inOpen.has(path)) seal();
      bury(path);
    },
    seal,
    search(query, count) {
      const byHeld = new Map(held.map((entry) => [entry.segment, entry]));
      const hits = search({
        segments: held.map(({ segment }) => segment),
        alive: (segment, file) => byHeld.get(segment)?.dead[file] === 0,
        query,
        count,
      });
      return hits.map(({ segment, chunk, score }) => ({
        path: segment.files[segment.chunkFile[chunk] ?? 0]?.path ?? '',
        ...chunkAt(segment, chunk),
        score,
      }));
    },
    file(path) {
      const known = where.get(path);
      return known?.held.segment.files[known.file];
    },
    paths: () => [...where.keys()],
    get sizeBytes() {
      return held.reduce((sum, { segment }) => sum + bytesOf(segment), 0);
    },
    get chunkCount() {
      return held.reduce((sum, { segment }) => sum + segment.chunkTerms.length, 0);
    },
    segments: () => held.map(({ segment }) => segment),
  };
}
