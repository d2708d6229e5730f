import type { Segment } from './quantiser.ts';

/** Numbers as signed bytes, −127 to 127, each matrix within a range of its own: what a start and its basis travel as. */
const largest = 127;

export interface Rounded {
  /** One for each matrix, in order. */
  readonly segments: { length: number; range: number }[];
  /** One signed byte for each number. */
  readonly levels: Uint8Array;
  /** What they stand for. */
  readonly values: Float32Array;
}

/** Rounds finite numbers to the nearest levels; `lengths` are the matrices', which add up to the numbers. */
export function toLevels(numbers: Float32Array, lengths: readonly number[]): Rounded {
  const levels = new Int8Array(numbers.length);
  const segments: Rounded['segments'] = [];
  let from = 0;
  for (const length of lengths) {
    const own = numbers.subarray(from, from + length);
    // A matrix of zeros has no range of its own.
    const range = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    for (const [i, value] of own.entries()) levels[from + i] = Math.round((value / range) * largest);
    segments.push({ length, range });
    from += length;
  }
  return { segments, levels: new Uint8Array(levels.buffer), values: valuesOf(levels, segments) };
}

/** The floats that levels stand for, the same for everybody; undefined where a byte is no level. */
export function fromLevels(levels: Uint8Array, segments: readonly Segment[]): Float32Array | undefined {
  const signed = new Int8Array(levels.buffer, levels.byteOffset, levels.length);
  return signed.includes(-largest - 1) ? undefined : valuesOf(signed, segments);
}

function valuesOf(levels: Int8Array, segments: readonly Segment[]): Float32Array {
  const values = new Float32Array(levels.length);
  let from = 0;
  for (const { length, range } of segments) {
    const step = range / largest;
    for (let i = from; i < from + length; i++) values[i] = (levels[i] ?? 0) * step;
    from += length;
  }
  return values;
}
