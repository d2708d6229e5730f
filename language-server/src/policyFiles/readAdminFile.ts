import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode, errorMessage } from '../engine/faults.ts';
import type { Access, AdminFile } from '../policy/adminFile.ts';
import { largestPolicyBytes } from '../policy/policyDocument.ts';
import { windowsAccess } from './windowsAccess.ts';

type Folder = Extract<AdminFile, { found: 'present' }>['folders'][number];

/**
 * What stands at the admin file's path, with all that `adminFileState` judges it by. Owner, mode and content come from one
 * open handle; the folders above it belong to administrators or the file does not count, so nobody else can exchange it.
 */
export async function readAdminFile(path: string): Promise<AdminFile> {
  try {
    const folders = await foldersAbove(path);
    if (folders === undefined) return { found: 'absent' };
    if (folders.some(({ symlink }) => symlink)) return await behindLink(path, folders);
    return await readIn(path, folders);
  } catch (error) {
    return { found: 'unreadable', path, why: errorMessage(error) };
  }
}

async function readIn(path: string, folders: readonly Folder[]): Promise<AdminFile> {
  const nothing = {
    found: 'present',
    path,
    regular: true,
    symlink: false,
    folders,
    content: new Uint8Array(0),
  } as const;
  let file: FileHandle;
  try {
    // Without O_NONBLOCK a pipe at this place would hold up everything.
    file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (errorCode(error) === 'ELOOP') return { ...nothing, symlink: true, access: nobody };
    if (errorCode(error) !== 'ENOENT') throw error;
    const own = folders.at(-1);
    // Whoever can write the folder can have removed the file; judged like one that is there.
    return own === undefined ? { found: 'absent' } : absentIn(own, { ...nothing, access: own.access });
  }
  try {
    const status = await file.stat();
    const content = status.isFile() ? await upTo(file, largestPolicyBytes + 1) : new Uint8Array(0);
    return { ...nothing, regular: status.isFile(), access: await accessOf(path, status), content };
  } finally {
    await file.close();
  }
}

function absentIn(folder: Folder, asIfThere: AdminFile): AdminFile {
  const { access } = folder;
  const guarded = access.system === 'windows' || (access.uid === 0 && (access.mode & 0o022) === 0);
  return guarded ? { found: 'absent' } : asIfThere;
}

const nobody: Access = { system: 'posix', uid: -1, mode: 0 };

/** A link counts where a file is behind it, or where it is Argot's own folder: some systems link folders further up. */
async function behindLink(path: string, folders: readonly Folder[]): Promise<AdminFile> {
  const isThere = folders.at(-1)?.symlink === true || (await exists(path));
  if (!isThere) return { found: 'absent' };
  return { found: 'present', path, regular: true, symlink: false, access: nobody, folders, content: new Uint8Array(0) };
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ENOENT';
  }
}

/** From the root down to the file's own; undefined where one is missing. */
async function foldersAbove(path: string): Promise<readonly Folder[] | undefined> {
  const paths: string[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    paths.unshift(folder);
    if (dirname(folder) === folder) break;
  }
  const folders: Folder[] = [];
  for (const folder of paths) {
    try {
      const status = await lstat(folder);
      folders.push({ path: folder, symlink: status.isSymbolicLink(), access: await accessOf(folder, status) });
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      return folders.some(({ symlink }) => symlink) ? folders : undefined;
    }
  }
  return folders;
}

async function accessOf(path: string, { uid, mode }: Stats): Promise<Access> {
  return process.platform === 'win32' ? windowsAccess(path) : { system: 'posix', uid, mode };
}

async function upTo(file: FileHandle, limit: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(limit);
  let length = 0;
  while (length < limit) {
    const { bytesRead } = await file.read(buffer, length, limit - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
