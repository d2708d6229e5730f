import { type Basis, expandUpdate, reduceUpdate } from '#protocol/federation/basis.ts';
import type { Outcome } from '#protocol/federation/refusal.ts';
import { clipped, kept, outputs, type Ranges, rangesOf, type Which, withNoise } from './vectors.ts';

/** The numbers in which members send their gradients of B: these are clipped, and noise is added to them. */
export interface Space {
  /** Directions of each matrix's outputs; null: every output. */
  readonly directions: number | null;
  /** That are sent. */
  readonly numbers: number;
  /** The chosen matrices' numbers of a gradient. */
  numbersOf(gradient: Float32Array): Float32Array;
  /** What is sent of a gradient: the same, scaled to norm 1. */
  sent(gradient: Float32Array): Float32Array;
  withNoise(sent: Float32Array, deviation: number, seed: string): Float32Array;
  /** The update of B that it stands for. */
  update(sent: Float32Array): Float32Array;
}

/** All numbers of the chosen matrices. */
export function wholeSpace(which: Which): Space {
  const ranges = rangesOf(which);
  return {
    ...{ directions: null, numbers: count(ranges) },
    numbersOf: (gradient) => kept(gradient, ranges),
    sent: (gradient) => clipped(gradient, ranges),
    withNoise: (sent, deviation, seed) => withNoise(sent, deviation, ranges, seed),
    update: (sent) => sent,
  };
}

/** How far the chosen matrices' numbers go along a basis. */
export function reducedSpace(which: Which, basis: Basis): Space {
  const { rank, directions } = basis;
  const ranges = rangesOf(
    which,
    outputs.map(() => directions * rank),
  );
  return {
    ...{ directions, numbers: count(ranges) },
    numbersOf: (gradient) => kept(taken(reduceUpdate(gradient, basis)), ranges),
    sent: (gradient) => clipped(taken(reduceUpdate(gradient, basis)), ranges),
    withNoise: (sent, deviation, seed) => withNoise(sent, deviation, ranges, `${seed}, ${directions} directions`),
    update: (sent) => taken(expandUpdate(sent, basis)),
  };
}

function count(ranges: Ranges): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from, 0);
}

function taken<Value>(outcome: Outcome<Value>): Value {
  if (!outcome.ok) throw new Error(`Refused: ${outcome.refusal}.`);
  return outcome.value;
}
