import type { Place } from './exampleIndex.ts';
import type { FileSystem, WritableFile } from './fileSystem.ts';
import { deletedLine } from './line.ts';

/** A segment of this size is full: small enough to be read at once, large enough to be few. */
const fullBytes = 1 << 20;

/** The journal: files of lines, which only grow at the end of the newest and are blanked where a line is deleted. */
export interface Segments {
  /** The line is on disk when this resolves. Where it throws, nothing was added. */
  append(line: Buffer): Promise<Place>;
  /** The lines' bytes are off the disk when this resolves. */
  blank(places: readonly Place[]): Promise<void>;
  read(segment: number): Promise<Buffer>;
  remove(segments: readonly number[]): Promise<void>;
  /** The segment that grows, which is kept however empty it is. */
  growing(): number | undefined;
  close(): Promise<void>;
}

export function segmentName(segment: number): string {
  return `${String(segment).padStart(8, '0')}.log`;
}

export function segmentNumber(name: string): number | undefined {
  return /^\d{8}\.log$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

/** `newest` is the last segment there is, 0 for none; `size` of it is where its next line goes. */
export function openSegments(files: FileSystem, folder: string, newest: number, size: number): Segments {
  let last = newest;
  let growing: { readonly segment: number; readonly file: WritableFile; size: number } | undefined;
  /** The newest segment goes on where it ended, once. */
  let unfinished = newest > 0 && size < fullBytes ? { segment: newest, size } : undefined;

  const pathOf = (segment: number): string => `${folder}/${segmentName(segment)}`;

  async function retire(): Promise<void> {
    const file = growing?.file;
    growing = undefined;
    await file?.close();
  }

  async function roomFor(bytes: number): Promise<NonNullable<typeof growing>> {
    if (growing !== undefined && (growing.size === 0 || growing.size + bytes <= fullBytes)) return growing;
    await retire();
    if (unfinished !== undefined) {
      const { segment } = unfinished;
      growing = { ...unfinished, file: await files.open(pathOf(segment), 'modify') };
      unfinished = undefined;
      return growing;
    }
    last++;
    const file = await files.open(pathOf(last), 'create');
    growing = { segment: last, file, size: 0 };
    await files.syncFolder(folder);
    return growing;
  }

  return {
    async append(line) {
      const target = await roomFor(line.length);
      try {
        await target.file.writeAt(line, target.size);
        await target.file.sync();
      } catch (error) {
        // After a failed sync nobody knows what is on the disk: this file takes no more lines.
        await target.file.truncate(target.size).catch(() => undefined);
        await retire().catch(() => undefined);
        throw error;
      }
      const place = { segment: target.segment, offset: target.size, length: line.length };
      target.size += line.length;
      return place;
    },
    async blank(places) {
      for (const segment of new Set(places.map((place) => place.segment))) {
        const own = growing?.segment === segment ? growing.file : undefined;
        const file = own ?? (await files.open(pathOf(segment), 'modify'));
        try {
          for (const { offset, length } of places.filter((place) => place.segment === segment)) {
            await file.writeAt(deletedLine(length), offset);
          }
          await file.sync();
        } finally {
          if (own === undefined) await file.close();
        }
      }
    },
    read: (segment) => files.read(pathOf(segment)),
    async remove(segments) {
      if (growing !== undefined && segments.includes(growing.segment)) await retire();
      if (unfinished !== undefined && segments.includes(unfinished.segment)) unfinished = undefined;
      for (const segment of segments) await files.remove(pathOf(segment));
      if (segments.length > 0) await files.syncFolder(folder);
    },
    growing: () => growing?.segment,
    close: retire,
  };
}
