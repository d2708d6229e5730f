import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { discreteGaussian, dpsgd, skellam } from './knownValues.ts';
import type { Mechanism } from './mechanism.ts';
import { renyiCurve } from './renyi.ts';
import { composedCurve, renyiDelta, renyiEpsilon } from './renyiAccountant.ts';

function relative(actual: number, expected: number): number {
  return Math.abs(actual / expected - 1);
}

describe('Rényi divergence of one step', () => {
  it.each(dpsgd)('agrees with quadrature in 40 digits: $name', ({ q, sigma, renyi }) => {
    const curve = renyiCurve({ kind: 'gaussian', noiseMultiplier: sigma, samplingRate: q });
    for (const [order, expected] of renyi) {
      expect(relative(curve(order), expected), `order ${order}`).toBeLessThan(1e-6);
    }
  });

  it.each(discreteGaussian)('discrete Gaussian, sigma $sigma, shift $shift', ({ sigma, shift, renyi }) => {
    const curve = renyiCurve({ kind: 'discreteGaussian', sigma, shift, samplingRate: 1 });
    for (const [order, expected] of renyi) {
      expect(relative(curve(order), expected), `order ${order}`).toBeLessThan(1e-6);
    }
  });

  it.each(skellam)('Skellam, variance $variance, shift $shift', ({ variance, shift, renyi }) => {
    const curve = renyiCurve({ kind: 'skellam', variance, shift, samplingRate: 1 });
    const bound = renyiCurve({
      kind: 'skellamVector',
      variance,
      l1Sensitivity: shift,
      l2Sensitivity: shift,
      samplingRate: 1,
    });
    for (const [order, expected] of renyi) {
      expect(relative(curve(order), expected), `order ${order}`).toBeLessThan(1e-6);
      expect(bound(order)).toBeGreaterThan(expected);
    }
  });

  it('sums the lattice under sampling to what the binomial expansion gives at whole orders', () => {
    const sigma = 3;
    const lattice = renyiCurve({ kind: 'discreteGaussian', sigma, shift: 2, samplingRate: 0.1 });
    const vector = renyiCurve({ kind: 'discreteGaussianVector', sigma, l2Sensitivity: 2, samplingRate: 0.1 });
    for (const order of [2, 3, 8, 40, 200]) expect(relative(lattice(order), vector(order))).toBeLessThan(1e-9);
    // The chord between whole orders lies above the curve.
    for (const order of [1.5, 2.5, 7.3]) expect(vector(order)).toBeGreaterThan(lattice(order));
  });

  it('keeps its digits where the divergence is tiny or the terms overflow', () => {
    const tiny = renyiCurve({ kind: 'gaussian', noiseMultiplier: 100, samplingRate: 1e-6 });
    // q² (e^(1/σ²) - 1) α / 2 to first order.
    expect(relative(tiny(2.5), (2.5 / 2) * 1e-12 * Math.expm1(1e-4))).toBeLessThan(1e-6);
    const huge = renyiCurve({ kind: 'gaussian', noiseMultiplier: 0.01, samplingRate: 0.5 });
    // log(q^α e^(α(α-1)/2σ²)) / (α - 1) to first order.
    for (const order of [2, 2.5, 64]) {
      const expected = (order * (order - 1) * 5000 + order * Math.log(0.5)) / (order - 1);
      expect(relative(huge(order), expected)).toBeLessThan(1e-6);
    }
  });

  it('rises with the order and the sampling rate, and falls with the noise', () => {
    const mechanisms = (noise: number, samplingRate: number): Mechanism[] => [
      { kind: 'gaussian', noiseMultiplier: noise, samplingRate },
      { kind: 'discreteGaussian', sigma: noise, shift: 1, samplingRate },
      { kind: 'skellam', variance: noise ** 2, shift: 1, samplingRate },
      { kind: 'skellamVector', variance: noise ** 2, l1Sensitivity: 3, l2Sensitivity: 2, samplingRate },
    ];
    const noise = fc.double({ min: 0.4, max: 30, noNaN: true });
    const more = fc.double({ min: 1.001, max: 3, noNaN: true });
    const rate = fc.double({ min: 1e-4, max: 0.3, noNaN: true });
    const orders = fc.double({ min: 1.1, max: 40, noNaN: true });
    fc.assert(
      fc.property(noise, more, rate, orders, fc.nat(3), (sigma, factor, q, order, which) => {
        const at = (n: number, p: number, a: number): number => {
          const mechanism = mechanisms(n, p)[which];
          return mechanism === undefined ? Number.NaN : renyiCurve(mechanism)(a);
        };
        const slack = 1 + 1e-9;
        const here = at(sigma, q, order);
        expect(at(sigma * factor, q, order)).toBeLessThanOrEqual(here * slack);
        expect(at(sigma, q * factor, order)).toBeGreaterThanOrEqual(here / slack);
        expect(at(sigma, q, order * factor)).toBeGreaterThanOrEqual(here / slack);
      }),
      { numRuns: 60 },
    );
  });
});

describe('conversion to epsilon and delta', () => {
  it.each(dpsgd)('gives the known epsilon: $name', (each) => {
    const mechanism: Mechanism = { kind: 'gaussian', noiseMultiplier: each.sigma, samplingRate: each.q };
    const curve = composedCurve([{ mechanism, steps: each.steps }]);
    const whole = Array.from({ length: 63 }, (_, i) => i + 2).concat([128, 256, 512]);
    const expected = each.rdpWholeOrders;
    expect(relative(renyiEpsilon(curve, each.delta, whole).epsilon, expected.epsilon)).toBeLessThan(1e-6);
    expect(renyiEpsilon(curve, each.delta, whole).order).toBe(expected.order);
    // Exact fractional orders may only help.
    expect(renyiEpsilon(curve, each.delta).epsilon).toBeLessThanOrEqual(each.opacusRdp * (1 + 1e-6));
  });

  it('gives back the delta from which an epsilon came', () => {
    const mechanism: Mechanism = { kind: 'gaussian', noiseMultiplier: 1.1, samplingRate: 0.01 };
    const curve = composedCurve([{ mechanism, steps: 10_000 }]);
    for (const delta of [1e-3, 1e-5, 1e-10]) {
      expect(relative(renyiDelta(curve, renyiEpsilon(curve, delta).epsilon), delta)).toBeLessThan(1e-9);
    }
  });

  it('adds what different mechanisms cost', () => {
    const releases = [
      { mechanism: { kind: 'gaussian', noiseMultiplier: 2, samplingRate: 1 }, steps: 3 },
      {
        mechanism: { kind: 'skellamVector', variance: 400, l1Sensitivity: 20, l2Sensitivity: 10, samplingRate: 1 },
        steps: 2,
      },
    ] as const;
    const expected = 3 * (4 / 8) + 2 * ((4 * 100) / 800 + Math.min((7 * 100 + 120) / (4 * 160_000), 60 / 800));
    expect(composedCurve(releases)(4)).toBeCloseTo(expected, 12);
  });
});
