import { streamWords } from './maskStream.ts';
import type { RingVector } from './ring.ts';

/**
 * Adds Skellam noise of a variance, in squared levels, to every lane: the difference of two Poisson variables of half the
 * variance each (Agarwal, Kairouz, Liu 2021, arXiv 2110.04995). Sums over members are Skellam again, with the variances'
 * sum, also modulo the ring. `seed` (32 bytes) is drawn anew for every upload and forgotten with it: whoever has it can
 * take the noise away.
 */
export function addSkellamNoise(vector: RingVector, variance: number, seed: Uint8Array): void {
  const { lanes } = vector;
  const poisson = poissonSampler(variance / 2, uniforms(streamWords(seed)));
  for (let i = 0; i < lanes.length; i++) lanes[i] = (lanes[i] ?? 0) + poisson() - poisson();
}

/** Uniform in (0, 1), with 52 random bits. */
function uniforms(word: () => number): () => number {
  return () => ((word() >>> 6) * 67_108_864 + (word() >>> 6) + 0.5) * 2 ** -52;
}

/** Below this mean counting is quicker, and the rejection below it is not proven. */
const countedMean = 10;

export function poissonSampler(mean: number, uniform: () => number): () => number {
  return mean < countedMean ? counted(mean, uniform) : transformedRejection(mean, uniform);
}

/** How many uniform factors keep a product above e^-mean (Knuth, The Art of Computer Programming 2, 3.4.1). */
function counted(mean: number, uniform: () => number): () => number {
  const least = Math.exp(-mean);
  return () => {
    let count = 0;
    for (let product = uniform(); product > least; product *= uniform()) count++;
    return count;
  };
}

/** Algorithm PTRS of Hörmann, The transformed rejection method for generating Poisson random variables, 1993. */
function transformedRejection(mean: number, uniform: () => number): () => number {
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.024_83 * b;
  const logInverseAlpha = Math.log(1.1239 + 1.1328 / (b - 3.4));
  const quick = 0.9277 - 3.6224 / (b - 2);
  const logMean = Math.log(mean);
  return () => {
    for (;;) {
      const u = uniform() - 0.5;
      const v = uniform();
      const edge = 0.5 - Math.abs(u);
      const k = Math.floor(((2 * a) / edge + b) * u + mean + 0.43);
      if (edge >= 0.07 && v <= quick) return k;
      if (k < 0 || (edge < 0.013 && v > edge)) continue;
      if (Math.log(v) + logInverseAlpha - Math.log(a / (edge * edge) + b) <= k * logMean - mean - logFactorial(k)) {
        return k;
      }
    }
  };
}

/** ln k!, by Stirling's series (NIST DLMF 5.11.1) above the table; its error there is below 1e-13. */
function logFactorial(k: number): number {
  const known = smallLogFactorials[k];
  if (known !== undefined) return known;
  const x = k + 1;
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}

const smallLogFactorials: readonly number[] = Array.from({ length: 16 }, (_, k) =>
  Array.from({ length: k }, (_, i) => Math.log(i + 1)).reduce((sum, log) => sum + log, 0),
);
