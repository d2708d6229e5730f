import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { streamWords } from './maskStream.ts';
import { signedLane, zeroVector } from './ring.ts';
import { addSkellamNoise, poissonSampler } from './skellam.ts';

const seed = (): Uint8Array => new Uint8Array(randomBytes(32));
const count = 200_000;

function noise(variance: number, bits = 20): readonly number[] {
  const vector = zeroVector(count, bits);
  addSkellamNoise(vector, variance, seed());
  return Array.from({ length: count }, (_, i) => signedLane(vector, i));
}

function moments(values: readonly number[]): {
  readonly mean: number;
  readonly variance: number;
  readonly fourth: number;
} {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const central = (power: number) => values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  return { mean, variance: central(2), fourth: central(4) };
}

/** By recurrence from the mode: exact to rounding. */
function poissonMasses(mean: number, most: number): readonly number[] {
  const logs = [-mean];
  for (let k = 1; k <= most; k++) logs.push((logs[k - 1] ?? 0) + Math.log(mean / k));
  return logs.map(Math.exp);
}

describe('Poisson', () => {
  // Both algorithms, on both sides of where they meet.
  it.each([0.05, 1, 9.5, 10, 40, 1000])('of mean %d has the masses of the formula', (mean) => {
    const words = streamWords(seed());
    const draw = poissonSampler(mean, () => ((words() >>> 6) * 67_108_864 + (words() >>> 6) + 0.5) * 2 ** -52);
    const most = Math.ceil(mean + 12 * Math.sqrt(mean) + 12);
    const seen = new Float64Array(most + 1);
    for (let i = 0; i < count; i++) seen[draw()]! += 1;
    // Pearson's statistic over cells that expect at least 20.
    let [statistic, cells, restSeen, restExpected] = [0, 0, 0, 0];
    for (const [k, mass] of poissonMasses(mean, most).entries()) {
      restSeen += seen[k] ?? 0;
      restExpected += mass * count;
      if (restExpected < 20) continue;
      statistic += (restSeen - restExpected) ** 2 / restExpected;
      cells++;
      [restSeen, restExpected] = [0, 0];
    }
    // Six standard deviations of a chi-squared variable: once in a billion runs.
    expect(statistic).toBeLessThan(cells + 6 * Math.sqrt(2 * cells) + 10);
  });
});

describe('Skellam noise', () => {
  it.each([0.3, 4, 60, 5000])('of variance %d has its mean, variance and fourth moment', (variance) => {
    const { mean, variance: seen, fourth } = moments(noise(variance));
    expect(Math.abs(mean)).toBeLessThan(6 * Math.sqrt(variance / count));
    // Its fourth central moment is 3v² + v.
    const spread = Math.sqrt((2 * variance ** 2 + variance) / count);
    expect(Math.abs(seen - variance)).toBeLessThan(6 * spread);
    expect(fourth / (3 * variance ** 2 + variance)).toBeGreaterThan(0.85);
    expect(fourth / (3 * variance ** 2 + variance)).toBeLessThan(1.15);
  });

  it('is added modulo the ring, at either width', () => {
    for (const bits of [12, 20]) {
      const vector = zeroVector(1000, bits);
      vector.lanes.fill(2 ** (bits - 1) - 1);
      const own = seed();
      addSkellamNoise(vector, 50, own);
      const alone = zeroVector(1000, bits);
      addSkellamNoise(alone, 50, own);
      for (let i = 0; i < 1000; i++) {
        const wanted = (2 ** (bits - 1) - 1 + signedLane(alone, i)) & (2 ** bits - 1);
        expect((vector.lanes[i] ?? 0) & (2 ** bits - 1)).toBe(wanted);
      }
    }
  });

  it('is another one for each seed, and the same for the same', () => {
    const [a, b] = [zeroVector(100, 20), zeroVector(100, 20)];
    const own = seed();
    addSkellamNoise(a, 9, own);
    addSkellamNoise(b, 9, own);
    expect(a.lanes).toEqual(b.lanes);
    addSkellamNoise(b, 9, seed());
    expect(a.lanes).not.toEqual(b.lanes);
  });
});
