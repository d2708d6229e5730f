import { createHash } from 'node:crypto';
import type { Release } from '#protocol/privacy/mechanism.ts';
import { createRandom } from '../random.ts';

/** B matrices of SmolLM2-135M at this rank, in the order of a delta: layers, and in each q, k, v, o, gate, up, down. */
export const rank = 8;
export const outputs = [576, 192, 192, 576, 1536, 1536, 576] as const;
const layers = 30;
const valuePlace = 2;
export const parameters = layers * rank * outputs.reduce((sum, out) => sum + out, 0);
export const valueParameters = layers * rank * (outputs[valuePlace] ?? 0);

export type Which = 'all' | 'values';
/** Stretches of a vector, from and to. */
export type Ranges = readonly (readonly [number, number])[];

/** Of the vector that a choice of matrices trains, where each of a layer's seven matrices has so many numbers. */
export function rangesOf(which: Which, numbers: readonly number[] = outputs.map((out) => out * rank)): Ranges {
  const sumOf = (some: readonly number[]): number => some.reduce((sum, each) => sum + each, 0);
  const layer = sumOf(numbers);
  if (which === 'all') return [[0, layers * layer]];
  const before = sumOf(numbers.slice(0, valuePlace));
  const length = numbers[valuePlace] ?? 0;
  return Array.from({ length: layers }, (_, i) => [i * layer + before, i * layer + before + length] as const);
}

/** The chosen values; the others are 0. */
export function kept(vector: Float32Array, ranges: Ranges): Float32Array {
  const chosen = new Float32Array(vector.length);
  for (const [from, to] of ranges) chosen.set(vector.subarray(from, to), from);
  return chosen;
}

/** The chosen values alone, scaled to norm 1: what a member sends. */
export function clipped(vector: Float32Array, ranges: Ranges): Float32Array {
  const chosen = kept(vector, ranges);
  const norm = normOf(chosen);
  return chosen.map((value) => value / norm);
}

export function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors)
    for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] ?? 0) + (vector[i] ?? 0) / vectors.length;
  return mean;
}

/** Normal noise on the chosen values. Seeded: a benchmark repeats itself, and protects nobody. */
export function withNoise(vector: Float32Array, deviation: number, ranges: Ranges, seed: string): Float32Array {
  const random = createRandom(createHash('sha256').update(seed).digest().readUInt32LE(0));
  const noisy = vector.slice();
  for (const [from, to] of ranges) {
    for (let i = from; i < to; i += 2) {
      const radius = deviation * Math.sqrt(-2 * Math.log(1 - random()));
      const angle = 2 * Math.PI * random();
      noisy[i] = (noisy[i] ?? 0) + radius * Math.cos(angle);
      if (i + 1 < to) noisy[i + 1] = (noisy[i + 1] ?? 0) + radius * Math.sin(angle);
    }
  }
  return noisy;
}

/** The same with the noise's other sign: luck along the loss's gradient cancels in the mean of both. */
export function mirrored(noisy: Float32Array, clean: Float32Array): Float32Array {
  return noisy.map((value, i) => 2 * (clean[i] ?? 0) - value);
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

export function normOf(vector: Float32Array): number {
  return Math.sqrt(dot(vector, vector));
}

export function gaussianRelease(noiseMultiplier: number, steps: number): Release {
  return { mechanism: { kind: 'gaussian', noiseMultiplier, samplingRate: 1 }, steps };
}
