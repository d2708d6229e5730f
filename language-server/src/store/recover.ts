import { crc32 } from 'node:zlib';
import type { ExampleIndex, SegmentMark } from './exampleIndex.ts';
import type { FileSystem } from './fileSystem.ts';
import { deletedLine, readLines } from './line.ts';
import { segmentName } from './segments.ts';
import { parseExample } from './storedExample.ts';

/** What opening found. Everything 0 and empty: the store was whole. */
export interface Recovery {
  /** When it was. */
  readonly atMs: number;
  /** Lines that had one byte wrong and were put right. */
  repaired: number;
  /** Stretches that could not be read; they lie in `setAside`. */
  damaged: number;
  readonly setAside: string[];
  /** The index was missing or damaged, and was built again. */
  rebuiltIndex: boolean;
}

/**
 * Reads a segment into the index and puts its file right: single wrong bytes are repaired, stretches beyond repair are
 * copied to `aside/` and blanked, and a line that was never finished is cut off. Gives the segment's size then. A disk
 * that can't be written changes nothing of what is read.
 */
export async function recoverSegment(
  files: FileSystem,
  folder: string,
  segment: number,
  bytes: Buffer,
  index: ExampleIndex,
  recovery: Recovery,
): Promise<number> {
  const name = segmentName(segment);
  const { lines, repaired, damaged, end } = readLines(bytes);
  index.forgetSegment(segment);
  index.together(() => {
    for (const { offset, length, json } of lines) {
      // A whole line that is no example is of a later version: it stays, unread.
      const example = parseExample(json);
      if (example !== undefined) index.put(example, { segment, offset, length });
    }
  });
  recovery.repaired += repaired.length;
  recovery.damaged += damaged.length;
  if (repaired.length + damaged.length === 0 && end === bytes.length) return end;
  try {
    for (const { offset, length } of damaged) {
      await setAside(files, folder, `${name}-${offset}`, bytes.subarray(offset, offset + length), recovery);
    }
    const file = await files.open(`${folder}/${name}`, 'modify');
    try {
      for (const { offset, bytes: right } of repaired) await file.writeAt(right, offset);
      for (const { offset, length } of damaged) await file.writeAt(deletedLine(length), offset);
      if (end < bytes.length) await file.truncate(end);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch {
    // Tried again at the next start; `end` is right for what was read.
  }
  return end;
}

export async function setAside(
  files: FileSystem,
  folder: string,
  name: string,
  bytes: Buffer,
  recovery: Recovery,
): Promise<void> {
  await files.makeFolder(`${folder}/aside`);
  const path = `${folder}/aside/${name}-${recovery.atMs}`;
  const file = await files.open(path, 'create');
  try {
    await file.writeAt(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  recovery.setAside.push(path);
}

/** Damaged stretches may hold the developer's code: they go after this long. */
const keptAsideMs = 30 * 86_400_000;

/** Deletes what was set aside long ago; each name ends with the time of it. */
export async function clearAside(files: FileSystem, folder: string, nowMs: number): Promise<void> {
  for (const name of await files.list(`${folder}/aside`)) {
    const atMs = Number(/-(\d+)$/.exec(name)?.[1]);
    if (!(nowMs - atMs < keptAsideMs)) await files.remove(`${folder}/aside/${name}`);
  }
}

export function markOf(bytes: Buffer): SegmentMark {
  return { size: bytes.length, sum: crc32(bytes) };
}
