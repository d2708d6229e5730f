import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Fault, inWords } from './faults.ts';

/** Kept free beside a download, for the editor's own files. */
const spareBytes = 64e6;

/** Why `bytes` more can't be written to `folder`; a file system that does not tell its free space is trusted. */
export async function spaceFault(folder: string, bytes: number): Promise<Fault | undefined> {
  const system = await statfs(folder).catch(() => undefined);
  if (!system || system.blocks === 0) return undefined;
  const freeBytes = system.bavail * system.bsize;
  if (freeBytes >= bytes + Math.min(spareBytes, bytes)) return undefined;
  return {
    code: 'noSpace',
    message: `${inWords(bytes)} are needed in ${folder}, but only ${inWords(freeBytes)} are free. Free some space, or set ARGOT_HOME to another disk.`,
  };
}

/** After this the file is whole under its final name, also when the power fails; before, nothing is there. */
export async function land(file: FileHandle, from: string, to: string): Promise<void> {
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(from, to);
  await syncFolder(dirname(to));
}

/** Replaces a small file in one step. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Windows and some network file systems can't do this; there the rename alone must do. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
