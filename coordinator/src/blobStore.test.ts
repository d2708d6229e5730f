import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hex } from '#protocol/federation/bytes.ts';
import { sha256 } from '#protocol/federation/signedMessage.ts';
import { openBlobStore } from './blobStore.ts';

const plan = new Uint8Array(32).fill(1);
const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
const hash = sha256(bytes);
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-blobs-'));
  await mkdir(join(folder, hex(plan)));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What a coordinator leaves that is killed while it receives. */
const leave = (received: Uint8Array) => writeFile(join(folder, hex(plan), `${hex(hash)}.part`), received);

it('a blob that was whole when its coordinator was killed lacks only its name, and gets it', async () => {
  await leave(bytes);
  const blobs = openBlobStore(folder);
  expect(await blobs.ending(plan, hash)).toBeUndefined();
  expect(await blobs.received(plan, hash)).toBe(bytes.length);
  expect(await blobs.ending(plan, hash)).toEqual({ size: bytes.length, lastWord: bytes.slice(-4) });
  expect(await blobs.received(plan, hash)).toBe(0);
});

it('a blob that was not whole goes on where it was', async () => {
  await leave(bytes.subarray(0, 70_000));
  const blobs = openBlobStore(folder);
  expect(await blobs.received(plan, hash)).toBe(70_000);
  const rest = { offset: 70_000, size: bytes.length, bytes: bytes.subarray(70_000) };
  expect(await blobs.append(plan, hash, rest)).toEqual({ kind: 'whole', received: bytes.length });
  expect(await blobs.has(plan, hash)).toBe(true);
});

it('reads into the place that it is given, where the blob fits', async () => {
  const blobs = openBlobStore(folder);
  await blobs.write(plan, bytes);
  const place = new Uint8Array(bytes.length + 8);
  expect((await blobs.read(plan, hash, place))?.buffer).toBe(place.buffer);
  expect(place.subarray(0, bytes.length)).toEqual(bytes);
  expect(await blobs.read(plan, hash, new Uint8Array(10))).toEqual(bytes);
});
