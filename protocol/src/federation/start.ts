import { sameBytes } from './bytes.ts';
import { encodeCanonical } from './canonical.ts';
import { fromLevels, type Rounded, toLevels } from './levels.ts';
import { type AdapterShape, type Start, startSchema } from './messages.ts';
import { updateLength } from './quantiser.ts';
import { accept, type MessageRefusal, type Outcome, refuse } from './refusal.ts';
import type { Anchors } from './round.ts';
import { openMessage, type Signed, sha256 } from './signedMessage.ts';

/** docs/protocol.md, “Start”: an adapter trained on public code, from which a federation's rounds go on. */

/** Root mean square of the values: a hundred steps of AdamW at 1e-3 in one direction, several times what training gives. */
const longestRms = 0.1;
/** More than any adapter has. */
export const mostStartBytes = 1 << 28;

export type StartRefusal =
  | MessageRefusal
  | 'startBase'
  | 'startAdapter'
  | 'valuesMissing'
  | 'valuesHash'
  | 'valuesSize'
  | 'valuesRange'
  | 'valuesNorm';

/** A start's signature and form; then `fitsStart` and, for the blob that it names, `startValues`. */
export function openStart(
  message: Uint8Array,
  { federation, lead }: Pick<Anchors, 'federation' | 'lead'>,
): Outcome<Signed<Start>, MessageRefusal> {
  return openMessage(message, startSchema, { federation, signer: lead });
}

/** What an adapter has to agree in, so that one can go on from another. */
export interface StartShape {
  readonly base: Uint8Array;
  readonly adapter: AdapterShape;
  /** Coordinates of an update; left out where the caller does not know the model. */
  readonly length?: number | undefined;
}

export function fitsStart(start: Start, shape: StartShape): Outcome<undefined, 'startBase' | 'startAdapter'> {
  if (!sameBytes(start.base, shape.base)) return refuse('startBase');
  const isAsLong = shape.length === undefined || shape.length === updateLength(start.segments);
  return isAsLong && sameAdapter(start.adapter, shape.adapter) ? accept(undefined) : refuse('startAdapter');
}

/** Of those that fit, the one with the highest sequence; the board's order says nothing. */
export function newestStart(starts: readonly Signed<Start>[], shape?: StartShape): Signed<Start> | undefined {
  return starts
    .filter(({ body }) => shape === undefined || fitsStart(body, shape).ok)
    .reduce<Signed<Start> | undefined>(
      (newest, each) => (newest === undefined || each.body.sequence > newest.body.sequence ? each : newest),
      undefined,
    );
}

/** The values of a start's blob, the same floats for everybody. */
export function startValues(blob: Uint8Array | undefined, start: Start): Outcome<Float32Array, StartRefusal> {
  if (blob === undefined) return refuse('valuesMissing');
  if (!sameBytes(sha256(blob), start.values)) return refuse('valuesHash');
  if (blob.length !== updateLength(start.segments)) return refuse('valuesSize');
  const values = fromLevels(blob, start.segments);
  if (values === undefined) return refuse('valuesRange');
  return isTooLong(values) ? refuse('valuesNorm') : accept(values);
}

/** Rounds a trained update to the nearest levels, each matrix within its own range; `lengths` are the matrices'. */
export function roundStart(
  update: Float32Array,
  lengths: readonly number[],
): Outcome<Rounded, 'updateSize' | 'updateNotFinite' | 'valuesNorm'> {
  if (update.length !== lengths.reduce((sum, length) => sum + length, 0)) return refuse('updateSize');
  if (!update.every(Number.isFinite)) return refuse('updateNotFinite');
  const rounded = toLevels(update, lengths);
  return isTooLong(rounded.values) ? refuse('valuesNorm') : accept(rounded);
}

/** Targets, matrices, rank, scale and seed alike: one seeded start, and values in one order. */
export function sameAdapter(a: AdapterShape, b: AdapterShape): boolean {
  return sameBytes(encodeCanonical(a), encodeCanonical(b));
}

/** Also where one is not finite. */
function isTooLong(values: Float32Array): boolean {
  const squared = values.reduce((sum, value) => sum + value * value, 0);
  return !(squared <= longestRms ** 2 * values.length);
}
