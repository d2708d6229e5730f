import { eachStreamPiece } from './maskStream.ts';
import { accept, type Outcome, refuse } from './refusal.ts';
import { type RingVector, zeroVector } from './ring.ts';

/** A stretch of the update whose coordinates lie within ±range. */
export interface Segment {
  readonly length: number;
  readonly range: number;
}

export interface QuantiserSpec {
  readonly bits: number;
  readonly segments: readonly Segment[];
  /** Largest Euclidean norm of an update. */
  readonly clipNorm: number;
  readonly maxWeight: number;
  /** Of the ring, as its binary logarithm. */
  readonly modulusBits: number;
}

/** The largest level: levels go from −L to L. */
export function largestLevel(bits: number): number {
  return 2 ** (bits - 1) - 1;
}

export function updateLength(segments: readonly Segment[]): number {
  return segments.reduce((sum, { length }) => sum + length, 0);
}

export interface Quantised {
  readonly vector: RingVector;
  /** Of the update as given. */
  readonly norm: number;
  /** Coordinates beyond their segment's range, which rounding cannot make right on average. */
  readonly clamped: number;
}

/**
 * Clips, scales by weight/maxWeight and rounds to levels at random, so that the expectation of level · step is the value
 * to within 2^−32 steps (docs/protocol.md, “Quantising”). `seed` (32 bytes) is drawn anew for every update.
 */
export function quantise(
  update: Float32Array,
  weight: number,
  spec: QuantiserSpec,
  seed: Uint8Array,
): Outcome<Quantised, 'updateSize' | 'updateNotFinite' | 'weightRange'> {
  if (update.length !== updateLength(spec.segments)) return refuse('updateSize');
  if (!Number.isInteger(weight) || weight < 1 || weight > spec.maxWeight) return refuse('weightRange');
  const norm = euclideanNorm(update);
  if (!Number.isFinite(norm)) return refuse('updateNotFinite');
  const factor = (norm > spec.clipNorm ? spec.clipNorm / norm : 1) * (weight / spec.maxWeight);
  const vector = zeroVector(update.length, spec.modulusBits);
  vector.weight = weight;
  const rounding: Rounding = { update, lanes: vector.lanes, largest: largestLevel(spec.bits), clamped: 0 };
  const bounds = segmentBounds(spec.segments);
  eachStreamPiece(seed, update.length, (words, start) => {
    const end = start + words.length;
    for (const { from, to, range } of bounds) {
      if (to <= start || from >= end) continue;
      roundStretch(
        rounding,
        words,
        start,
        Math.max(from, start),
        Math.min(to, end),
        (factor * rounding.largest) / range,
      );
    }
  });
  return accept({ vector, norm, clamped: rounding.clamped });
}

/** The weighted mean that a sum of quantised updates stands for. */
export function meanOf(sum: RingVector, spec: QuantiserSpec): Float32Array {
  const mean = new Float32Array(sum.lanes.length);
  const largest = largestLevel(spec.bits);
  const { lanes } = sum;
  const unused = 32 - sum.bits;
  for (const { from, to, range } of segmentBounds(spec.segments)) {
    const scale = ((range / largest) * spec.maxWeight) / sum.weight;
    for (let i = from; i < to; i++) mean[i] = (((lanes[i] ?? 0) << unused) >> unused) * scale;
  }
  return mean;
}

interface Rounding {
  readonly update: Float32Array;
  readonly lanes: RingVector['lanes'];
  readonly largest: number;
  clamped: number;
}

/** `words` are the random words of coordinates from `start` on. */
function roundStretch(
  rounding: Rounding,
  words: Uint32Array,
  start: number,
  from: number,
  to: number,
  scale: number,
): void {
  const { update, lanes, largest } = rounding;
  let clamped = 0;
  for (let i = from; i < to; i++) {
    let value = (update[i] ?? 0) * scale;
    if (value > largest) {
      value = largest;
      clamped++;
    } else if (value < -largest) {
      value = -largest;
      clamped++;
    }
    lanes[i] = Math.floor(value + (words[i - start] ?? 0) * 2 ** -32);
  }
  rounding.clamped += clamped;
}

/** In double precision: the squares of floats neither overflow nor vanish there. */
export function euclideanNorm(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    sum += value * value;
  }
  return Math.sqrt(sum);
}

function segmentBounds(segments: readonly Segment[]): { from: number; to: number; range: number }[] {
  let from = 0;
  return segments.map(({ length, range }) => {
    const bounds = { from, to: from + length, range };
    from = bounds.to;
    return bounds;
  });
}
