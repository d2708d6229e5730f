import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hex, sameBytes } from '#protocol/federation/bytes.ts';
import { sha256 } from '#protocol/federation/signedMessage.ts';

/**
 * Payloads and sums, each a file named by its hash. What arrives piece by piece lies in a file of its own until it is
 * whole, right and on disk: a name without `.part` is always the whole blob.
 */
export interface BlobStore {
  /** What it gives lies in `into`, where that is long enough. */
  read(plan: Uint8Array, hash: Uint8Array, into?: Uint8Array): Promise<Uint8Array | undefined>;
  has(plan: Uint8Array, hash: Uint8Array): Promise<boolean>;
  /** Size and last word of a whole blob, which is all that is left to check once its hash was; undefined where it is not there. */
  ending(plan: Uint8Array, hash: Uint8Array): Promise<BlobEnding | undefined>;
  /** A whole blob at once, durable before it resolves. */
  write(plan: Uint8Array, bytes: Uint8Array): Promise<void>;
  /** Bytes of an unfinished blob that are there. One that lacks nothing but its name, since a kill came between, gets it now. */
  received(plan: Uint8Array, hash: Uint8Array): Promise<number>;
  /** Adds a piece at `offset`; the last one makes the blob whole, unless its hash is another. */
  append(plan: Uint8Array, hash: Uint8Array, piece: BlobPiece): Promise<Appended>;
  /** Throws away what was received of a blob. */
  discard(plan: Uint8Array, hash: Uint8Array): Promise<void>;
  /** Removes a round's payloads, but for one blob. */
  removeAllBut(plan: Uint8Array, kept: readonly Uint8Array[]): Promise<void>;
}

export interface BlobPiece {
  readonly offset: number;
  readonly size: number;
  readonly bytes: Uint8Array;
}

export interface BlobEnding {
  readonly size: number;
  readonly lastWord: Uint8Array;
}

export type Appended =
  | { readonly kind: 'more' | 'whole'; readonly received: number }
  | { readonly kind: 'elsewhere'; readonly received: number }
  | { readonly kind: 'wrongHash' };

export function openBlobStore(folder: string): BlobStore {
  const place = (plan: Uint8Array, hash: Uint8Array) => join(folder, hex(plan), hex(hash));
  const partial = (plan: Uint8Array, hash: Uint8Array) => `${place(plan, hash)}.part`;
  return {
    async received(plan, hash) {
      const opened = await open(partial(plan, hash), 'r+').catch(() => undefined);
      if (opened === undefined) return 0;
      await using file = opened;
      const { size } = await file.stat();
      if (sameBytes(await hashOf(file), hash)) await land(file, partial(plan, hash), place(plan, hash));
      return size;
    },
    async read(plan, hash, into) {
      const opened = await open(place(plan, hash), 'r').catch(() => undefined);
      if (opened === undefined) return undefined;
      await using file = opened;
      const { size } = await file.stat();
      const bytes = into !== undefined && into.length >= size ? into.subarray(0, size) : new Uint8Array(size);
      return (await readWhole(file, bytes)) ? bytes : undefined;
    },
    has: async (plan, hash) => (await stat(place(plan, hash)).catch(() => undefined)) !== undefined,
    async ending(plan, hash) {
      const opened = await open(place(plan, hash), 'r').catch(() => undefined);
      if (opened === undefined) return undefined;
      await using file = opened;
      const { size } = await file.stat();
      const lastWord = new Uint8Array(4);
      await file.read(lastWord, 0, 4, Math.max(0, size - 4));
      return { size, lastWord };
    },
    async write(plan, bytes) {
      const hash = sha256(bytes);
      await mkdir(dirname(place(plan, hash)), { recursive: true, mode: 0o700 });
      await using file = await open(partial(plan, hash), 'w', 0o600);
      await file.writeFile(bytes);
      await land(file, partial(plan, hash), place(plan, hash));
    },
    async append(plan, hash, { offset, size, bytes }) {
      await mkdir(dirname(place(plan, hash)), { recursive: true, mode: 0o700 });
      const before = await sizeOf(partial(plan, hash));
      if (before !== offset || offset + bytes.length > size) return { kind: 'elsewhere', received: before };
      await using file = await open(partial(plan, hash), 'a+', 0o600);
      await file.appendFile(bytes);
      const now = offset + bytes.length;
      if (now < size) return { kind: 'more', received: now };
      if (!sameBytes(await hashOf(file), hash)) {
        await rm(partial(plan, hash), { force: true });
        return { kind: 'wrongHash' };
      }
      await land(file, partial(plan, hash), place(plan, hash));
      return { kind: 'whole', received: now };
    },
    discard: (plan, hash) => rm(partial(plan, hash), { force: true }),
    async removeAllBut(plan, kept) {
      const names = new Set(kept.map(hex));
      for (const name of await readdir(join(folder, hex(plan))).catch(() => [])) {
        if (!names.has(name)) await rm(join(folder, hex(plan), name), { force: true });
      }
    },
  };
}

/** Piece by piece: many payloads that come at once take no more memory than their pieces. */
async function hashOf(file: FileHandle): Promise<Uint8Array> {
  const hash = createHash('sha256');
  const buffer = new Uint8Array(1 << 16);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return new Uint8Array(hash.digest());
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** On disk under its name, and the name on disk. */
async function land(file: FileHandle, from: string, to: string): Promise<void> {
  await file.sync();
  await rename(from, to);
  await using folder = await open(dirname(to), 'r');
  await folder.sync();
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function readWhole(file: FileHandle, bytes: Uint8Array): Promise<boolean> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, at);
    if (bytesRead === 0) return false;
    at += bytesRead;
  }
  return true;
}
