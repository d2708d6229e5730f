import { z } from 'zod';
import { type BulletinBoard, readTopic, startBlobsTopic, startsTopic } from './board.ts';
import { decodeCanonical, encodeCanonical } from './canonical.ts';
import type { KeyPair } from './keys.ts';
import { type Start, startSchema } from './messages.ts';
import { accept, type Outcome } from './refusal.ts';
import type { Anchors } from './round.ts';
import { type Signed, sha256, signMessage } from './signedMessage.ts';
import { openStart, type StartRefusal, startValues } from './start.ts';
import { type StartBasisRefusal, startBasis } from './startBasis.ts';

const levelsSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const { directions, ranges } = startSchema.shape.basis.unwrap().shape;

const startFileSchema = startSchema
  .pick({ base: true, adapter: true, description: true, segments: true })
  .extend({ levels: levelsSchema, basis: z.strictObject({ directions, ranges, levels: levelsSchema }).nullable() });

/** A start before it is signed: whoever trains it need not hold the lead's key, and the lead's machine need not train. */
export type StartFile = z.infer<typeof startFileSchema>;

export function encodeStartFile(file: StartFile): Uint8Array {
  return encodeCanonical(file);
}

/** Undefined where the bytes are no such file. */
export function decodeStartFile(bytes: Uint8Array): StartFile | undefined {
  const decoded = decodeCanonical(bytes, startFileSchema);
  return decoded.ok ? decoded.value : undefined;
}

/** Signs a start and posts it, its values and its basis first; gives its id, or why no member would take it. */
export async function postStart(
  board: BulletinBoard,
  file: StartFile,
  { federation, sequence }: Pick<Start, 'federation' | 'sequence'>,
  keys: KeyPair,
  signal: AbortSignal,
): Promise<Outcome<Uint8Array, StartRefusal | StartBasisRefusal>> {
  const { levels, basis: own, ...fields } = file;
  const basis = own && { directions: own.directions, ranges: own.ranges, values: sha256(own.levels) };
  const start: Start = { type: 'start', federation, sequence, ...fields, values: sha256(levels), basis };
  const message = signMessage(start, keys);
  const opened = openStart(message, { federation, lead: keys.publicKey });
  if (!opened.ok) return opened;
  const values = startValues(levels, start);
  if (!values.ok) return values;
  if (own !== null) {
    const checked = startBasis(own.levels, start);
    if (!checked.ok) return checked;
  }
  await board.post(startBlobsTopic(opened.value.id), levels, signal);
  if (own !== null) await board.post(startBlobsTopic(opened.value.id), own.levels, signal);
  await board.post(startsTopic, message, signal);
  return accept(opened.value.id);
}

/** The lead's starts on a board; what is none is left out. */
export async function readStarts(
  board: BulletinBoard,
  anchors: Pick<Anchors, 'federation' | 'lead'>,
  signal: AbortSignal,
): Promise<readonly Signed<Start>[]> {
  return (await readTopic(board, startsTopic, signal)).flatMap((message) => {
    const start = openStart(message, anchors);
    return start.ok ? [start.value] : [];
  });
}
