import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { syncFolder } from '../engine/disk.ts';

/** What the store asks of a disk. Tests give one whose every call can fail, or lose what was not synced. */
export interface FileSystem {
  makeFolder(path: string): Promise<void>;
  /** Names in a folder; none where there is no folder. */
  list(path: string): Promise<readonly string[]>;
  read(path: string): Promise<Buffer>;
  /** `create` starts an empty file, whatever was there; `modify` needs one. */
  open(path: string, how: 'create' | 'modify'): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  /** A file or a folder with all that is in it; what is not there is no error. */
  remove(path: string): Promise<void>;
  /** Makes created, renamed and removed names last. */
  syncFolder(path: string): Promise<void>;
}

export interface WritableFile {
  /** Writes all of it, or throws. */
  writeAt(bytes: Buffer, position: number): Promise<void>;
  truncate(size: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const nodeFileSystem: FileSystem = {
  async makeFolder(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  list: (path) =>
    readdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    }),
  read: (path) => readFile(path),
  async open(path, how) {
    const file = await open(path, how === 'create' ? 'w' : 'r+', 0o600);
    return {
      async writeAt(bytes, position) {
        for (let written = 0; written < bytes.length; ) {
          const more = await file.write(bytes, written, bytes.length - written, position + written);
          written += more.bytesWritten;
        }
      },
      truncate: (size) => file.truncate(size),
      sync: () => file.datasync(),
      close: () => file.close(),
    };
  },
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path, { recursive: true, force: true }),
  syncFolder,
};

/** Replaces a file in one step: after this it is whole and lasting under its name, and before, the old one is. */
export async function replaceFile(files: FileSystem, folder: string, name: string, bytes: Buffer): Promise<void> {
  const temporary = `${folder}/${name}${temporaryEnd}`;
  try {
    const file = await files.open(temporary, 'create');
    try {
      await file.writeAt(bytes, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await files.rename(temporary, `${folder}/${name}`);
    await files.syncFolder(folder);
  } catch (error) {
    await files.remove(temporary).catch(() => undefined);
    throw error;
  }
}

/** A file so named was never finished. */
export const temporaryEnd = '.new';
