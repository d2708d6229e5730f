import { readFile } from 'node:fs/promises';
import { hex } from '#protocol/federation/bytes.ts';
import type { HttpBoard } from '#protocol/federation/httpBoard.ts';
import type { KeyPair } from '#protocol/federation/keys.ts';
import { refusalText } from '#protocol/federation/refusal.ts';
import { newestStart } from '#protocol/federation/start.ts';
import { decodeStartFile, postStart, readStarts } from '#protocol/federation/startFile.ts';

export interface StartingLead {
  readonly keys: KeyPair;
  readonly federation: Uint8Array;
  readonly board: HttpBoard;
  readonly signal: AbortSignal;
}

/** Posts the start in a file. Cut off, the same again goes on where it was, since it makes the same message. */
export async function startFrom({ board, keys, federation, signal }: StartingLead, path: string): Promise<void> {
  const file = decodeStartFile(new Uint8Array(await readFile(path)));
  if (file === undefined) throw new Error(`${path} is no start: “start-from-code” makes one.`);
  const anchors = { federation, lead: keys.publicKey };
  const starts = await readStarts(board, anchors, signal);
  const sequence = (newestStart(starts)?.body.sequence ?? 0) + 1;
  const posted = await postStart(board, file, { federation, sequence }, keys, signal);
  if (!posted.ok) throw new Error(`${path}: ${refusalText[posted.refusal]}`);
  console.log(`Start ${hex(posted.value)}: ${file.description}`);
}
