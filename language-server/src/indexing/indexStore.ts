import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Segment } from '../context/segment.ts';
import { decodeSegment, encodeSegment } from './segmentFile.ts';

/** Raised whenever chunks or terms are made differently: an older index is then built anew. */
const format = 1;
const manifestSchema = z.object({
  format: z.literal(format),
  segments: z.array(z.object({ file: z.string().regex(/^[0-9a-f]{64}\.segment$/) })),
});
const manifestName = 'index.json';

/** The stored index of one workspace folder. */
export interface IndexStore {
  /** What was stored last, whole; nothing where there is none or where any part of it is damaged. */
  load(): Promise<readonly Segment[]>;
  /** After it, `load` gives these segments; before it, or when it is killed at any point, those of the last save. */
  save(segments: readonly Segment[]): Promise<void>;
}

/**
 * A segment's file is named by its own hash and never changed; the manifest, replaced by renaming, says which ones count. So
 * a kill leaves the old index or the new one, and a torn or altered file is noticed.
 */
export function createIndexStore(folder: string): IndexStore {
  const names = new WeakMap<Segment, string>();

  async function read(file: string): Promise<Segment> {
    const bytes = await readFile(join(folder, file));
    if (nameOf(bytes) !== file) throw new Error(`${file} is damaged.`);
    const segment = decodeSegment(bytes);
    names.set(segment, file);
    return segment;
  }

  async function write(segment: Segment): Promise<string> {
    const known = names.get(segment);
    if (known !== undefined) return known;
    const bytes = encodeSegment(segment);
    const name = nameOf(bytes);
    await writeDurably(folder, name, bytes);
    names.set(segment, name);
    return name;
  }

  return {
    async load() {
      try {
        const manifest = manifestSchema.parse(JSON.parse(await readFile(join(folder, manifestName), 'utf8')));
        const segments: Segment[] = [];
        for (const { file } of manifest.segments) segments.push(await read(file));
        return segments;
      } catch {
        // Missing, damaged or of another version: all the same, since building anew gives what it held.
        return [];
      }
    },
    async save(segments) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const files: string[] = [];
      for (const segment of segments) files.push(await write(segment));
      const manifest = { format, segments: files.map((file) => ({ file })) };
      await writeDurably(folder, manifestName, Buffer.from(JSON.stringify(manifest)));
      const kept = new Set([...files, manifestName]);
      for (const file of await readdir(folder)) {
        if (!kept.has(file)) await rm(join(folder, file), { force: true });
      }
    },
  };
}

/** Removes the indexes of folders that have not been opened for so long; each opening stores its index anew. */
export async function removeUnused(storage: string, unusedMs: number, now: number): Promise<void> {
  for (const name of await readdir(storage).catch(() => [])) {
    const manifest = await stat(join(storage, name, manifestName)).catch(() => undefined);
    if (manifest !== undefined && now - manifest.mtimeMs > unusedMs) await rm(join(storage, name), { recursive: true });
  }
}

const nameOf = (bytes: Buffer): string => `${createHash('sha256').update(bytes).digest('hex')}.segment`;

async function writeDurably(folder: string, name: string, bytes: Buffer): Promise<void> {
  const temporary = join(folder, `${name}.${process.pid}.tmp`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, name));
}
