import { sameBytes } from './bytes.ts';
import { encodeCanonical } from './canonical.ts';
import { type AdapterShape, type Start, startSchema } from './messages.ts';
import { largestLevel, type Segment, updateLength } from './quantiser.ts';
import { accept, type MessageRefusal, type Outcome, refuse } from './refusal.ts';
import type { Anchors } from './round.ts';
import { openMessage, type Signed, sha256 } from './signedMessage.ts';

/** docs/protocol.md, “Start”: an adapter trained on public code, from which a federation's rounds go on. */
const bits = 8;
const largest = largestLevel(bits);
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
  const levels = new Int8Array(blob.buffer, blob.byteOffset, blob.length);
  if (levels.includes(-largest - 1)) return refuse('valuesRange');
  return valuesOf(levels, start.segments);
}

export interface RoundedStart {
  readonly segments: Start['segments'];
  /** One signed byte for each coordinate. */
  readonly levels: Uint8Array;
  /** What they stand for. */
  readonly values: Float32Array;
}

/** Rounds a trained update to the nearest levels, each matrix within its own range; `lengths` are the matrices'. */
export function roundStart(
  update: Float32Array,
  lengths: readonly number[],
): Outcome<RoundedStart, 'updateSize' | 'updateNotFinite' | 'valuesNorm'> {
  if (update.length !== lengths.reduce((sum, length) => sum + length, 0)) return refuse('updateSize');
  if (!update.every(Number.isFinite)) return refuse('updateNotFinite');
  const levels = new Int8Array(update.length);
  const segments: Start['segments'] = [];
  let from = 0;
  for (const length of lengths) {
    const own = update.subarray(from, from + length);
    // A matrix that was not trained has no range of its own.
    const range = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    for (const [i, value] of own.entries()) levels[from + i] = Math.round((value / range) * largest);
    segments.push({ length, range });
    from += length;
  }
  const values = valuesOf(levels, segments);
  return values.ok ? accept({ segments, levels: new Uint8Array(levels.buffer), values: values.value }) : values;
}

/** Targets, matrices, rank, scale and seed alike: one seeded start, and values in one order. */
export function sameAdapter(a: AdapterShape, b: AdapterShape): boolean {
  return sameBytes(encodeCanonical(a), encodeCanonical(b));
}

function valuesOf(levels: Int8Array, segments: readonly Segment[]): Outcome<Float32Array, 'valuesNorm'> {
  const values = new Float32Array(levels.length);
  let [from, squared] = [0, 0];
  for (const { length, range } of segments) {
    const step = range / largest;
    for (let i = from; i < from + length; i++) {
      const value = (levels[i] ?? 0) * step;
      values[i] = value;
      squared += value * value;
    }
    from += length;
  }
  return squared <= longestRms ** 2 * values.length ? accept(values) : refuse('valuesNorm');
}
