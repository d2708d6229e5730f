import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { writeAtomically } from './disk.ts';

/** What is known of the file that a part belongs to; it decides whether the part may be continued. */
const partNoteSchema = z.object({
  totalBytes: z.number().int().positive().optional(),
  /** For `If-Range`: a strong entity tag or a date. */
  validator: z.string().optional(),
  sha256: z.string().optional(),
});
export type PartNote = Readonly<z.infer<typeof partNoteSchema>>;

/** A download as far as it has come: what is on disk, and the hash over it. */
export interface Transfer {
  readonly file: FileHandle;
  readonly notePath: string;
  hash: Hash;
  receivedBytes: number;
  note: PartNote;
  /** Some of the bytes came from an earlier answer, so a wrong checksum may be their fault. */
  resumed: boolean;
  /** The server has answered in this call, so it is worth waiting for when it goes away. */
  contacted: boolean;
}

export function partPaths(destination: string): { readonly part: string; readonly note: string } {
  return { part: `${destination}.part`, note: `${destination}.part.json` };
}

/** Takes up a part that an earlier call left, hashing it; one that can't be trusted is dropped. */
export async function startTransfer(
  file: FileHandle,
  notePath: string,
  signal: AbortSignal,
  onHashed: (hashedBytes: number, totalBytes: number) => void,
): Promise<Transfer> {
  const { size } = await file.stat();
  const note = size > 0 ? await readPartNote(notePath) : undefined;
  const transfer: Transfer = {
    file,
    notePath,
    hash: createHash('sha256'),
    receivedBytes: 0,
    note: {},
    resumed: false,
    contacted: false,
  };
  if (!note || (note.totalBytes !== undefined && size > note.totalBytes)) {
    await restart(transfer);
    return transfer;
  }
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 20 })) {
    signal.throwIfAborted();
    transfer.hash.update(chunk);
    transfer.receivedBytes += chunk.length;
    onHashed(transfer.receivedBytes, note.totalBytes ?? 0);
  }
  return Object.assign(transfer, { note, resumed: true });
}

export async function restart(transfer: Transfer): Promise<void> {
  await transfer.file.truncate(0);
  Object.assign(transfer, { hash: createHash('sha256'), receivedBytes: 0, note: {}, resumed: false });
}

export async function append(transfer: Transfer, chunk: Buffer): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    written += (await transfer.file.write(chunk, written)).bytesWritten;
  }
  transfer.hash.update(chunk);
  transfer.receivedBytes += chunk.length;
}

/** Only a validator or a checksum tells whether two parts belong together. */
export function canResume({ note }: Transfer): boolean {
  return note.validator !== undefined || note.sha256 !== undefined;
}

export async function saveNote(transfer: Transfer, note: PartNote): Promise<void> {
  transfer.note = note;
  if (canResume(transfer)) await writeAtomically(transfer.notePath, JSON.stringify(note));
  else await rm(transfer.notePath, { force: true });
}

/** Undefined where nothing usable is there: the part is then dropped, which costs time and no correctness. */
async function readPartNote(path: string): Promise<PartNote | undefined> {
  try {
    return partNoteSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}
