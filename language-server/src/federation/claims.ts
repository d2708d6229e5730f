import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Files of which the first that is written stays for ever. A file gets its name only when its content is on disk, and a
 * name that is taken is not given again: killed at any moment, a claim is made or not.
 */
export interface Claims {
  /** What is on record afterwards: `bytes`, or what was there before. */
  claim(name: string, bytes: Uint8Array): Promise<Uint8Array>;
  read(name: string): Promise<Uint8Array | undefined>;
  names(): Promise<readonly string[]>;
  remove(name: string): Promise<void>;
}

export function claimsIn(folder: string): Claims {
  const read = (name: string) => readFile(join(folder, name)).then(copyOf, () => undefined);
  return {
    read,
    async claim(name, bytes) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const there = await read(name);
      if (there !== undefined) return there;
      const temporary = join(folder, `.${name}.${randomUUID()}`);
      try {
        {
          await using file = await open(temporary, 'wx', 0o600);
          await file.writeFile(bytes);
          await file.sync();
        }
        // Unlike a rename, a link fails where the name is taken.
        await link(temporary, join(folder, name)).catch((error: unknown) => {
          if (!isTaken(error)) throw error;
        });
      } finally {
        await rm(temporary, { force: true });
      }
      await syncFolder(folder);
      const recorded = await read(name);
      if (recorded === undefined) throw new Error(`${join(folder, name)} was written and cannot be read.`);
      return recorded;
    },
    names: async () => (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.')),
    remove: (name) => rm(join(folder, name), { force: true }),
  };
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

function copyOf(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

/** Windows and some network file systems can't do this. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
