import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deltaSpent, privacySpent, privacySpentRdp } from './accountant.ts';
import { noiseFor, noiseMultiplierFor } from './calibration.ts';
import { calibration } from './knownValues.ts';
import { type Mechanism, mechanismSchema, type Release } from './mechanism.ts';

const gaussian = (noiseMultiplier: number, samplingRate: number, steps: number): Release => ({
  mechanism: { kind: 'gaussian', noiseMultiplier, samplingRate },
  steps,
});

describe('what was spent', { timeout: 30_000 }, () => {
  it('takes the tighter accountant and says which', () => {
    const spent = privacySpent([gaussian(1.1, 0.01, 10_000)], 1e-5);
    expect(spent).toMatchObject({ method: 'pld', order: 4.7 });
    expect(spent.epsilon).toBe(spent.epsilonPld);
    expect(spent.epsilon).toBeLessThan(spent.epsilonRdp);
    const vector: Mechanism = {
      kind: 'skellamVector',
      variance: 1e8,
      l1Sensitivity: 1e5,
      l2Sensitivity: 1e4,
      samplingRate: 1,
    };
    const round = privacySpent([{ mechanism: vector, steps: 1 }], 1e-6);
    expect(round.method).toBe('rdp');
    expect(round).not.toHaveProperty('epsilonPld');
    expect(round.epsilon).toBe(round.epsilonRdp);
  });

  it('is nothing for nothing', () => {
    expect(privacySpent([], 1e-5).epsilon).toBe(0);
    expect(deltaSpent([], 1)).toBe(0);
  });

  it('refuses a delta that is none', () => {
    for (const delta of [0, 1, -1, Number.NaN]) {
      expect(() => privacySpent([gaussian(1, 1, 1)], delta)).toThrow('between 0 and 1');
      expect(() => privacySpentRdp([gaussian(1, 1, 1)], delta)).toThrow('between 0 and 1');
    }
    expect(() => deltaSpent([gaussian(1, 1, 1)], -1)).toThrow('negative');
  });

  it('never charges more for more noise, fewer steps or rarer sampling', { timeout: 60_000 }, () => {
    const noise = fc.double({ min: 0.5, max: 5, noNaN: true });
    const rate = fc.double({ min: 0.01, max: 1, noNaN: true });
    const steps = fc.integer({ min: 2, max: 100 });
    const factor = fc.double({ min: 1.01, max: 2, noNaN: true });
    fc.assert(
      fc.property(noise, rate, steps, factor, (sigma, q, times, more) => {
        const { epsilon, epsilonRdp } = privacySpent([gaussian(sigma, q, times)], 1e-6);
        const cheaper = [
          gaussian(sigma * more, q, times),
          gaussian(sigma, q, Math.floor(times / more)),
          gaussian(sigma, q / more, times),
        ];
        for (const release of cheaper) {
          const less = privacySpent([release], 1e-6);
          expect(less.epsilon).toBeLessThanOrEqual(epsilon);
          expect(less.epsilonRdp).toBeLessThanOrEqual(epsilonRdp);
        }
      }),
      { numRuns: 5 },
    );
  });

  it('never charges less once more was released', () => {
    const release = fc.record({
      mechanism: fc.oneof(
        fc.record({
          kind: fc.constant('gaussian' as const),
          noiseMultiplier: fc.double({ min: 0.6, max: 20, noNaN: true }),
          samplingRate: fc.double({ min: 0.01, max: 1, noNaN: true }),
        }),
        fc.record({
          kind: fc.constant('skellamVector' as const),
          variance: fc.double({ min: 50, max: 1e9, noNaN: true }),
          l1Sensitivity: fc.double({ min: 1, max: 1e4, noNaN: true }),
          l2Sensitivity: fc.double({ min: 1, max: 1e4, noNaN: true }),
          samplingRate: fc.double({ min: 0.1, max: 1, noNaN: true }),
        }),
      ),
      steps: fc.integer({ min: 1, max: 300 }),
    });
    fc.assert(
      fc.property(fc.array(release, { maxLength: 5 }), release, (before, next) => {
        const all = privacySpentRdp([...before, next], 1e-5);
        expect(all).toBeGreaterThanOrEqual(privacySpentRdp(before, 1e-5));
        expect(all).toBeGreaterThanOrEqual(privacySpentRdp([next], 1e-5));
        expect(privacySpentRdp([next, ...before], 1e-5) - all).toBeLessThan(1e-9 * (1 + all));
      }),
      { numRuns: 30 },
    );
  });
});

describe('noise for a target', { timeout: 30_000 }, () => {
  it.each(calibration)('q $q, $steps steps, epsilon $epsilon', (each) => {
    const target = { epsilon: each.epsilon, delta: each.delta };
    const found = noiseMultiplierFor(target, each.q, each.steps);
    if (!found.ok) throw new Error('Enough noise exists.');
    expect(found.spent.epsilon).toBeLessThanOrEqual(each.epsilon);
    expect(found.noise).toBeLessThan(each.sigmaPld * 1.001);
    expect(found.noise).toBeGreaterThan(each.sigmaPld * 0.999);
    expect(found.noise).toBeLessThan(each.sigmaRdp);
  });

  it('works where only the Rényi accountant does', () => {
    const found = noiseFor({ epsilon: 8, delta: 1e-6 }, (noise) => {
      const l2Sensitivity = 1000;
      const variance = (noise * l2Sensitivity) ** 2;
      return [
        {
          mechanism: { kind: 'skellamVector', variance, l1Sensitivity: 1e5, l2Sensitivity, samplingRate: 1 },
          steps: 1,
        },
      ];
    });
    if (!found.ok) throw new Error('Enough noise exists.');
    expect(found.spent.epsilon).toBeLessThanOrEqual(8);
    expect(found.spent.epsilon).toBeGreaterThan(7.99);
    expect(found.noise).toBeGreaterThan(0.6);
    expect(found.noise).toBeLessThan(0.8);
  });

  it('says so when no noise is enough', () => {
    const found = noiseMultiplierFor({ epsilon: 1e-9, delta: 1e-12 }, 1, 1_000_000);
    expect(found.ok).toBe(false);
    if (!found.ok) expect(found.epsilonAtMost).toBeGreaterThan(1e-9);
  });
});

describe('mechanisms at the boundary', () => {
  it.each([
    { kind: 'gaussian', noiseMultiplier: 0, samplingRate: 1 },
    { kind: 'gaussian', noiseMultiplier: 1, samplingRate: 0 },
    { kind: 'gaussian', noiseMultiplier: 1, samplingRate: 1.1 },
    { kind: 'gaussian', noiseMultiplier: Number.POSITIVE_INFINITY, samplingRate: 1 },
    { kind: 'skellam', variance: 4, shift: 0.5, samplingRate: 1 },
    { kind: 'skellamVector', variance: 4, l1Sensitivity: 1, samplingRate: 1 },
    { kind: 'gaussian', noiseMultiplier: 1, samplingRate: 1, free: true },
    { kind: 'laplace', scale: 1 },
  ])('refuses %j', (given) => {
    expect(mechanismSchema.safeParse(given).success).toBe(false);
  });
});
