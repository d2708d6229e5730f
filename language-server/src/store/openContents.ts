import type { SqlJsStatic } from 'sql.js';
import { type ExampleIndex, loadIndex, type SegmentMark } from './exampleIndex.ts';
import { type FileSystem, temporaryEnd } from './fileSystem.ts';
import { decodeIndexFile, indexName } from './indexFile.ts';
import { clearAside, markOf, type Recovery, recoverSegment, setAside } from './recover.ts';
import { openSegments, type Segments, segmentName, segmentNumber } from './segments.ts';
import { openUses, type Uses } from './uses.ts';

export interface StoreParts {
  readonly folder: string;
  readonly files: FileSystem;
  readonly sql: SqlJsStatic;
  /** `Date.now` unless a test gives another. */
  readonly now?: () => number;
}

/** The store's files as they are open, and what is known of them. */
export interface Contents {
  readonly index: ExampleIndex;
  readonly segments: Segments;
  readonly uses: Uses;
  /** Of the segments that have not changed since they were read. */
  readonly marks: Map<number, SegmentMark>;
}

/** How many segments are read at once. */
const readers = 4;

/**
 * Opens the files, whatever state a crash or a bad disk left them in. Throws where the folder can't be read or made.
 */
export async function openContents(
  parts: StoreParts,
  signal: AbortSignal,
): Promise<{ readonly contents: Contents; readonly recovery: Readonly<Recovery> }> {
  const { files, folder } = parts;
  await files.makeFolder(folder);
  const names = await files.list(folder);
  for (const name of names) if (name.endsWith(temporaryEnd)) await files.remove(`${folder}/${name}`);

  const atMs = (parts.now ?? Date.now)();
  await clearAside(files, folder, atMs).catch(() => undefined);
  const recovery: Recovery = { atMs, repaired: 0, damaged: 0, setAside: [], rebuiltIndex: false };
  const { index, marks } = await readIndex(parts, names, recovery);
  const segments = names.flatMap((name) => segmentNumber(name) ?? []).sort((a, b) => a - b);
  for (const segment of index.segments()) if (!segments.includes(segment)) index.forgetSegment(segment);

  const whole = new Map<number, SegmentMark>();
  let newestSize = 0;
  for (let at = 0; at < segments.length; at += readers) {
    signal.throwIfAborted();
    const batch = segments.slice(at, at + readers);
    const contents = await Promise.all(batch.map((segment) => files.read(`${folder}/${segmentName(segment)}`)));
    for (const [i, segment] of batch.entries()) {
      const bytes = contents[i];
      if (bytes === undefined) continue;
      const mark = markOf(bytes);
      const known = marks.get(segment);
      if (known?.size === mark.size && known.sum === mark.sum) {
        whole.set(segment, mark);
        newestSize = mark.size;
      } else {
        newestSize = await recoverSegment(files, folder, segment, bytes, index, recovery);
      }
    }
  }

  const uses = await openUses(files, `${folder}/uses`);
  for (const name of uses.damaged) {
    const bytes = await files.read(`${folder}/uses/${name}`);
    recovery.damaged++;
    await setAside(files, folder, name, bytes, recovery).catch(() => undefined);
    await files.remove(`${folder}/uses/${name}`).catch(() => undefined);
  }
  const segmentsNow = openSegments(files, folder, segments.at(-1) ?? 0, newestSize);
  return { contents: { index, uses, marks: whole, segments: segmentsNow }, recovery };
}

/** The saved index where it is whole and of this version, otherwise an empty one that knows no segment yet. */
async function readIndex({ files, folder, sql }: StoreParts, names: readonly string[], recovery: Recovery) {
  if (names.includes(indexName)) {
    const bytes = decodeIndexFile(await files.read(`${folder}/${indexName}`));
    const loaded = bytes && loadIndex(sql, bytes);
    if (loaded !== undefined) return loaded;
  }
  recovery.rebuiltIndex = names.some((name) => segmentNumber(name) !== undefined);
  const empty = loadIndex(sql, undefined);
  if (empty === undefined) throw new Error('SQLite could not make an empty database.');
  return empty;
}
