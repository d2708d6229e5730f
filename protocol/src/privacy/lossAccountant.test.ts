import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compose, deltaOf } from './composition.ts';
import { discreteGaussian, dpsgd } from './knownValues.ts';
import { lossDelta, lossEpsilon } from './lossAccountant.ts';
import { discretise, type LossDistribution } from './lossDistribution.ts';
import { lossPair } from './lossPair.ts';
import { lossSum, tiltForEpsilon, windowOf } from './lossSum.ts';
import type { Release } from './mechanism.ts';

describe('epsilon by privacy loss distributions', { timeout: 30_000 }, () => {
  it.each(dpsgd)('is tight from above: $name', (each) => {
    const mechanism = { kind: 'gaussian', noiseMultiplier: each.sigma, samplingRate: each.q } as const;
    const epsilon = lossEpsilon([{ mechanism, steps: each.steps }], each.delta) ?? Number.NaN;
    const known = each.pldPessimistic;
    expect(epsilon).toBeLessThan(known * 1.001);
    expect(epsilon).toBeGreaterThan(each.pldOptimistic);
    expect(epsilon).toBeGreaterThan(each.prvLower);
    // The known value is pessimistic by itself, on a grid of 1e-5.
    expect(epsilon).toBeGreaterThan(known * (1 - 1e-6));
    if (each.exact !== undefined) {
      expect(epsilon).toBeGreaterThan(each.exact);
      expect(epsilon).toBeLessThan(each.exact * (1 + 1e-5));
    }
  });

  it.each(discreteGaussian)('discrete Gaussian, sigma $sigma, shift $shift, $steps steps', (each) => {
    const mechanism = {
      kind: 'discreteGaussian',
      sigma: each.sigma,
      shift: each.shift,
      samplingRate: 1,
    } as const;
    const epsilon = lossEpsilon([{ mechanism, steps: each.steps }], each.delta) ?? Number.NaN;
    expect(epsilon).toBeLessThan(each.pldPessimistic * 1.0001);
    expect(epsilon).toBeGreaterThan(each.pldOptimistic);
  });

  it('takes a wide lattice to the Gaussian of the same width, and Skellam noise as well', () => {
    const gaussian = lossEpsilon(
      [{ mechanism: { kind: 'gaussian', noiseMultiplier: 4, samplingRate: 0.1 }, steps: 20 }],
      1e-6,
    );
    const discrete = lossEpsilon(
      [{ mechanism: { kind: 'discreteGaussian', sigma: 2000, shift: 500, samplingRate: 0.1 }, steps: 20 }],
      1e-6,
    );
    const skellam = lossEpsilon(
      [{ mechanism: { kind: 'skellam', variance: 4e6, shift: 500, samplingRate: 0.1 }, steps: 20 }],
      1e-6,
    );
    expect((discrete ?? 0) / (gaussian ?? 1)).toBeCloseTo(1, 3);
    expect((skellam ?? 0) / (gaussian ?? 1)).toBeCloseTo(1, 3);
  });

  it('falls smoothly with the noise, also where no loss is beyond a bound', () => {
    const epsilons = [0.504, 0.506, 0.508, 0.51, 0.512].map((noiseMultiplier) => {
      const mechanism = { kind: 'gaussian', noiseMultiplier, samplingRate: 0.01245733413407387 } as const;
      return lossEpsilon([{ mechanism, steps: 6 }], 1e-6) ?? Number.NaN;
    });
    for (const [i, epsilon] of epsilons.entries()) {
      const before = epsilons[i - 1];
      if (before !== undefined) expect(before / epsilon).toBeGreaterThan(1.009);
      if (before !== undefined) expect(before / epsilon).toBeLessThan(1.0095);
    }
  });

  it('composes different mechanisms: two halves cost what the whole costs', () => {
    const half = (noiseMultiplier: number): Release => ({
      mechanism: { kind: 'gaussian', noiseMultiplier, samplingRate: 1 },
      steps: 1,
    });
    // 1/3² + 1/4² = 1/2.4².
    const parts = lossEpsilon([half(3), half(4)], 1e-6) ?? Number.NaN;
    const whole = lossEpsilon([half(2.4)], 1e-6) ?? Number.NaN;
    expect(parts / whole).toBeCloseTo(1, 4);
  });

  it('is from above and near for any Gaussian without sampling, where delta has a closed form', {
    timeout: 60_000,
  }, () => {
    /** log of the standard normal's mass above x, by Simpson's rule over what matters. */
    const logAbove = (x: number): number => {
      const width = 12 / 4000;
      const density = (i: number): number => Math.exp(-(x + (i * width) / 2) * i * width);
      const sum = Array.from({ length: 4001 }, (_, i) => density(i) * (i % 4000 === 0 ? 1 : i % 2 === 1 ? 4 : 2));
      const integral = (sum.reduce((total, each) => total + each, 0) * width) / 3;
      return Math.log(integral / Math.sqrt(2 * Math.PI)) - x ** 2 / 2;
    };
    const noise = fc.double({ min: 0.5, max: 50, noNaN: true });
    const exponent = fc.integer({ min: -12, max: -2 });
    fc.assert(
      fc.property(noise, fc.integer({ min: 1, max: 200 }), exponent, (sigma, steps, power) => {
        const delta = 10 ** power;
        const mechanism = { kind: 'gaussian', noiseMultiplier: sigma, samplingRate: 1 } as const;
        const epsilon = lossEpsilon([{ mechanism, steps }], delta) ?? Number.NaN;
        // Balle, Wang 2018 (arXiv 1805.06530), Theorem 8.
        const mu = Math.sqrt(steps) / sigma;
        const exact = Math.exp(logAbove(epsilon / mu - mu / 2)) - Math.exp(epsilon + logAbove(epsilon / mu + mu / 2));
        expect(exact).toBeLessThanOrEqual(delta * (1 + 1e-6));
        if (epsilon > 0) expect(exact).toBeGreaterThan(delta * 0.99);
      }),
      { numRuns: 10 },
    );
  });

  it('is 0 where delta covers it all, infinite never for finite noise, and unknown for vectors', () => {
    const release = (noiseMultiplier: number): Release => ({
      mechanism: { kind: 'gaussian', noiseMultiplier, samplingRate: 1 },
      steps: 1,
    });
    expect(lossEpsilon([release(1)], 0.9)).toBe(0);
    expect(lossEpsilon([release(0.05)], 1e-12)).toBeLessThan(400);
    const vector = {
      kind: 'skellamVector',
      variance: 100,
      l1Sensitivity: 1,
      l2Sensitivity: 1,
      samplingRate: 1,
    } as const;
    expect(lossEpsilon([release(1), { mechanism: vector, steps: 1 }], 1e-5)).toBeUndefined();
  });

  it('gives back the delta from which an epsilon came, however small', () => {
    const releases: Release[] = [{ mechanism: { kind: 'gaussian', noiseMultiplier: 2, samplingRate: 0.1 }, steps: 50 }];
    for (const delta of [1e-3, 1e-8, 1e-25]) {
      const epsilon = lossEpsilon(releases, delta) ?? Number.NaN;
      expect((lossDelta(releases, epsilon) ?? Number.NaN) / delta).toBeCloseTo(1, 3);
    }
    const long: Release[] = [
      { mechanism: { kind: 'gaussian', noiseMultiplier: 1, samplingRate: 0.01 }, steps: 200_000 },
    ];
    expect(lossDelta(long, lossEpsilon(long, 1e-6) ?? Number.NaN)).toBeCloseTo(1e-6, 9);
  });

  it('knows the delta of any epsilon, also below what the loss mostly is', () => {
    // Total variation of N(0, 1) and N(4, 1): 2 Φ(2) - 1.
    const releases: Release[] = [{ mechanism: { kind: 'gaussian', noiseMultiplier: 0.5, samplingRate: 1 }, steps: 4 }];
    expect(lossDelta(releases, 0)).toBeCloseTo(0.954499736, 6);
    const strong: Release[] = [{ mechanism: { kind: 'gaussian', noiseMultiplier: 0.05, samplingRate: 1 }, steps: 1 }];
    expect(lossDelta(strong, 1)).toBeCloseTo(1, 9);
  });
});

describe('discretisation', () => {
  /** E[(1 - e^(epsilon - loss))+] over the atoms themselves. */
  function exactDelta(mass: Float64Array, loss: Float64Array, epsilon: number): number {
    return mass.reduce((sum, m, i) => sum + (loss[i]! > epsilon ? -m * Math.expm1(epsilon - loss[i]!) : 0), 0);
  }

  function gridDelta({ mass, lowest, step, infinite }: LossDistribution, epsilon: number): number {
    const losses = mass.map((_, i) => (lowest + i) * step);
    return infinite + exactDelta(mass, losses, epsilon);
  }

  it.each(['removed', 'added'] as const)('is exact on the grid and above the truth between (%s)', (direction) => {
    const mechanism = { kind: 'skellam', variance: 9, shift: 2, samplingRate: 0.3 } as const;
    const pair = lossPair(mechanism, direction);
    if (pair?.kind !== 'discrete') throw new Error('A lattice gives atoms.');
    const grid = discretise(pair, 0.1);
    for (let i = -3; i < 25; i++) {
      const exact = exactDelta(pair.mass, pair.loss, i * 0.1);
      expect(gridDelta(grid, i * 0.1)).toBeGreaterThanOrEqual(exact * (1 - 1e-12));
      expect(gridDelta(grid, i * 0.1)).toBeLessThan(exact * (1 + 1e-9) + 1e-30);
      const between = (i + 0.43) * 0.1;
      expect(gridDelta(grid, between)).toBeGreaterThanOrEqual(exactDelta(pair.mass, pair.loss, between) * (1 - 1e-12));
    }
  });

  it.each(['removed', 'added'] as const)('keeps the whole mass of a density (%s)', (direction) => {
    const pair = lossPair({ kind: 'gaussian', noiseMultiplier: 0.7, samplingRate: 0.02 }, direction);
    if (pair === undefined) throw new Error('The Gaussian has a pair.');
    const { mass, infinite } = discretise(pair, 0.01);
    expect(mass.reduce((sum, each) => sum + each, infinite)).toBeCloseTo(1, 13);
    expect(Math.min(...mass)).toBeGreaterThanOrEqual(0);
  });
});

describe('composition by transform', () => {
  function convolved(a: readonly number[], b: readonly number[]): number[] {
    const out = new Array<number>(a.length + b.length - 1).fill(0);
    for (const [i, x] of a.entries()) for (const [j, y] of b.entries()) out[i + j]! += x * y;
    return out;
  }

  it('is plain convolution, to twelve digits even far out in the tail', () => {
    const p = [0.2, 0.5, 0.2999, 1e-4];
    const r = [0.7, 0, 0.3];
    const step = 0.25;
    let plain = convolved(r, r);
    for (let i = 0; i < 5; i++) plain = convolved(plain, p);
    const lowest = 5 * -1 + 2 * -1;
    const sum = lossSum([
      { distribution: { step, lowest: -1, mass: Float64Array.from(p), infinite: 1e-30 }, steps: 5 },
      { distribution: { step, lowest: -1, mass: Float64Array.from(r), infinite: 0 }, steps: 2 },
    ]);
    for (const epsilon of [0.1, 1, 2, 2.9]) {
      const expected = plain.reduce((delta, mass, i) => {
        const loss = (lowest + i) * step;
        return loss > epsilon ? delta - mass * Math.expm1(epsilon - loss) : delta;
      }, 5e-30);
      const tail = compose(sum, windowOf(sum, tiltForEpsilon(sum, epsilon)));
      expect(deltaOf(tail, epsilon) / expected).toBeGreaterThanOrEqual(1);
      expect(deltaOf(tail, epsilon) / expected).toBeLessThan(1 + 1e-10);
    }
  });
});
