/** One indexed file. */
export interface IndexedFile {
  /** `<folder>/<path in it>`, with forward slashes: what names a file across workspace folders. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface IndexedChunk {
  readonly start: number;
  readonly end: number;
  readonly hash: number;
  /** Each term once for every time that it counts. */
  readonly terms: readonly number[];
}

/**
 * An immutable part of the index, in the manner of a log-structured merge tree: chunks of some files, and for each term the
 * chunks that hold it. Chunks are numbered within the segment; those of a file are consecutive.
 */
export interface Segment {
  readonly files: readonly IndexedFile[];
  /** (files + 1): a file's first chunk. */
  readonly firstChunk: Uint32Array;
  /** (chunks): */
  readonly chunkFile: Uint16Array;
  readonly chunkStart: Uint32Array;
  readonly chunkEnd: Uint32Array;
  readonly chunkTerms: Uint16Array;
  readonly chunkHash: Float64Array;
  /** (terms), ascending. */
  readonly terms: Uint32Array;
  /** (terms + 1): where a term's postings begin in `postings`. */
  readonly offsets: Uint32Array;
  /** Chunk × 64 + count (1 to 63), ascending in each term. */
  readonly postings: Uint32Array;
}

export const maxChunks = 8192;
export const maxFiles = 2048;
const maxCount = 63;

/** Collects files until a segment is full. Postings are sorted as one array of doubles: term, chunk and count in 51 bits. */
export function createSegmentBuilder() {
  const files: IndexedFile[] = [];
  const firstChunk: number[] = [0];
  const chunks: Omit<IndexedChunk, 'terms'>[] = [];
  const chunkFile: number[] = [];
  const chunkTerms: number[] = [];
  let keys = new Float64Array(1 << 14);
  let used = 0;

  function push(key: number): void {
    if (used === keys.length) {
      const larger = new Float64Array(keys.length * 2);
      larger.set(keys);
      keys = larger;
    }
    keys[used++] = key;
  }

  function startFile(file: IndexedFile): number {
    files.push(file);
    firstChunk.push(chunks.length);
    return files.length - 1;
  }

  function addChunk(file: number, { start, end, hash }: Omit<IndexedChunk, 'terms'>, length: number): number {
    chunks.push({ start, end, hash });
    chunkFile.push(file);
    chunkTerms.push(Math.min(length, 65535));
    firstChunk[file + 1] = chunks.length;
    return chunks.length - 1;
  }

  return {
    get chunkCount() {
      return chunks.length;
    },
    get fileCount() {
      return files.length;
    },
    hasRoomFor: (more: number): boolean => chunks.length + more <= maxChunks && files.length < maxFiles,
    addFile(file: IndexedFile, itsChunks: readonly IndexedChunk[]): void {
      const at = startFile(file);
      for (const chunk of itsChunks) {
        const number = addChunk(at, chunk, chunk.terms.length);
        const counts = new Map<number, number>();
        for (const term of chunk.terms) counts.set(term, (counts.get(term) ?? 0) + 1);
        for (const [term, count] of counts) push(keyOf(term, number, count));
      }
    },
    /** Takes over the files of a segment that are still alive, without reading them again. */
    addSegment(segment: Segment, alive: (file: number) => boolean): void {
      const renumbered = new Int32Array(segment.chunkFile.length).fill(-1);
      for (const [old, file] of segment.files.entries()) {
        if (!alive(old)) continue;
        const at = startFile(file);
        for (let c = segment.firstChunk[old] ?? 0; c < (segment.firstChunk[old + 1] ?? 0); c++) {
          renumbered[c] = addChunk(at, chunkAt(segment, c), segment.chunkTerms[c] ?? 0);
        }
      }
      for (let t = 0; t < segment.terms.length; t++) {
        for (let p = segment.offsets[t] ?? 0; p < (segment.offsets[t + 1] ?? 0); p++) {
          const posting = segment.postings[p] ?? 0;
          const chunk = renumbered[posting >>> 6] ?? -1;
          if (chunk >= 0) push(keyOf(segment.terms[t] ?? 0, chunk, posting & maxCount));
        }
      }
    },
    finish(): Segment {
      const sorted = keys.subarray(0, used).sort();
      const postings = new Uint32Array(used);
      const terms: number[] = [];
      const offsets: number[] = [];
      for (let i = 0; i < used; i++) {
        const key = sorted[i] ?? 0;
        const term = Math.floor(key / keyUnit);
        if (term !== terms.at(-1)) {
          terms.push(term);
          offsets.push(i);
        }
        postings[i] = key - term * keyUnit;
      }
      offsets.push(used);
      return {
        files,
        firstChunk: Uint32Array.from(firstChunk),
        chunkFile: Uint16Array.from(chunkFile),
        chunkStart: Uint32Array.from(chunks, ({ start }) => start),
        chunkEnd: Uint32Array.from(chunks, ({ end }) => end),
        chunkTerms: Uint16Array.from(chunkTerms),
        chunkHash: Float64Array.from(chunks, ({ hash }) => hash),
        terms: Uint32Array.from(terms),
        offsets: Uint32Array.from(offsets),
        postings,
      };
    },
  };
}

const keyUnit = maxChunks * 64;

function keyOf(term: number, chunk: number, count: number): number {
  return term * keyUnit + chunk * 64 + Math.min(count, maxCount);
}

export function chunkAt(segment: Segment, chunk: number): Omit<IndexedChunk, 'terms'> {
  return {
    start: segment.chunkStart[chunk] ?? 0,
    end: segment.chunkEnd[chunk] ?? 0,
    hash: segment.chunkHash[chunk] ?? 0,
  };
}

/** Where a term's postings lie, [from, to) in `postings`; empty where the segment lacks it. */
export function postingsOf({ terms, offsets }: Segment, term: number): readonly [number, number] {
  const at = lowerBound(terms, term, 0, terms.length);
  return terms[at] === term ? [offsets[at] ?? 0, offsets[at + 1] ?? 0] : [0, 0];
}

/** The first place in [from, to) of an ascending array whose number is not less than `wanted`; `to` where all are. */
export function lowerBound(numbers: Uint32Array, wanted: number, from: number, to: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function bytesOf(segment: Segment): number {
  let bytes = segment.files.reduce((sum, { path }) => sum + path.length + 64, 0);
  for (const field of numericFields) bytes += segment[field].byteLength;
  return bytes;
}

/** The arrays of numbers, in the order in which they are stored. */
export const numericFields = [
  'chunkHash',
  'firstChunk',
  'chunkStart',
  'chunkEnd',
  'terms',
  'offsets',
  'postings',
  'chunkFile',
  'chunkTerms',
] as const satisfies readonly (keyof Segment)[];
