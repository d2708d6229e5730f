import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largestLevel, meanOf, type QuantiserSpec, quantise } from './quantiser.ts';
import { modulusBits, signedLane } from './ring.ts';

const seed = (): Uint8Array => new Uint8Array(randomBytes(32));

function spec(changes: Partial<QuantiserSpec> = {}): QuantiserSpec {
  const bits = changes.bits ?? 8;
  return {
    bits,
    segments: [{ length: 4, range: 1 }],
    clipNorm: 100,
    maxWeight: 1,
    modulusBits: modulusBits(10 * largestLevel(bits)),
    ...changes,
  };
}

function quantised(update: Float32Array, weight: number, given: QuantiserSpec) {
  const result = quantise(update, weight, given, seed());
  if (!result.ok) throw new Error(result.refusal);
  return result.value;
}

describe('quantise', () => {
  it('is right on average: many roundings of one value', () => {
    const count = 200_000;
    for (const [bits, value] of [
      [2, 0.3],
      [2, -0.99],
      [8, 0.00123],
      [8, -0.5001],
    ] as const) {
      const given = spec({ bits, segments: [{ length: count, range: 1 }], clipNorm: 1e6 });
      const { vector } = quantised(new Float32Array(count).fill(value), 1, given);
      const step = 1 / largestLevel(bits);
      let sum = 0;
      for (let i = 0; i < count; i++) sum += signedLane(vector, i) * step;
      // Five standard deviations of the mean: a single rounding has at most half a step.
      expect(Math.abs(sum / count - Math.fround(value))).toBeLessThan((5 * step) / 2 / Math.sqrt(count));
    }
  });

  it('stays within one step of the clipped, weighted value', () => {
    const cases = fc.record({
      update: fc.array(fc.float({ min: -4, max: 4, noNaN: true }), { minLength: 4, maxLength: 4 }),
      bits: fc.integer({ min: 2, max: 16 }),
      range: fc.double({ min: 0.01, max: 8, noNaN: true }),
      clipNorm: fc.double({ min: 0.1, max: 10, noNaN: true }),
      weight: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(cases, ({ update, bits, range, clipNorm, weight }) => {
        const given = spec({ bits, clipNorm, segments: [{ length: 4, range }], maxWeight: 50 });
        const { vector } = quantised(Float32Array.from(update), weight, given);
        const norm = Math.hypot(...update);
        const factor = Math.min(1, clipNorm / norm) * (weight / 50);
        const step = range / largestLevel(bits);
        update.forEach((value, i) => {
          const wanted = Math.max(-range, Math.min(range, norm === 0 ? 0 : value * factor));
          expect(Math.abs(signedLane(vector, i) * step - wanted)).toBeLessThanOrEqual(step * (1 + 1e-9));
        });
        expect(vector.weight).toBe(weight);
      }),
    );
  });

  it('gives each segment its own range and counts what does not fit', () => {
    const segments = [
      { length: 1, range: 2 ** -10 },
      { length: 3, range: 1 },
    ];
    const { vector, clamped } = quantised(Float32Array.of(2 ** -10, 1, -2, 0), 1, spec({ segments }));
    expect([0, 1, 2, 3].map((i) => signedLane(vector, i))).toEqual([127, 127, -127, 0]);
    expect(clamped).toBe(1);
  });

  it('keeps segments apart across pieces of the random stream', () => {
    const segments = [
      { length: 20_000, range: 1 },
      { length: 20_000, range: 2 },
    ];
    const update = new Float32Array(40_000).fill(1);
    const { vector } = quantised(update, 1, spec({ segments, clipNorm: 1e9, bits: 3 }));
    for (let i = 0; i < 20_000; i++) if (signedLane(vector, i) !== 3) throw new Error(`lane ${i}`);
    for (let i = 20_000; i < 40_000; i++) if (![1, 2].includes(signedLane(vector, i))) throw new Error(`lane ${i}`);
  });

  it.each([
    [Float32Array.of(1, 2, 3), 1, 'updateSize'],
    [Float32Array.of(1, 2, 3, Number.NaN), 1, 'updateNotFinite'],
    [Float32Array.of(1, 2, 3, Number.POSITIVE_INFINITY), 1, 'updateNotFinite'],
    [Float32Array.of(1, 2, 3, 4), 0, 'weightRange'],
    [Float32Array.of(1, 2, 3, 4), 2, 'weightRange'],
    [Float32Array.of(1, 2, 3, 4), 0.5, 'weightRange'],
  ] as const)('refuses %j with weight %d: %s', (update, weight, refusal) => {
    expect(quantise(update, weight, spec(), seed())).toMatchObject({ ok: false, refusal });
  });
});

it('reads the mean back from levels and weights', () => {
  const given = spec({ maxWeight: 4, clipNorm: 1000 });
  const { vector } = quantised(Float32Array.of(1, -1, 0, 1), 4, given);
  vector.weight = 8;
  // Half the mean of one member at full weight, since another of the same weight had zeros.
  expect([...meanOf(vector, given)]).toEqual([0.5, -0.5, 0, 0.5]);
});
