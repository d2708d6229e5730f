import { describe, expect, it } from 'vitest';
import { expandUpdate, reduceUpdate, roundBasis } from '#protocol/federation/basis.ts';
import { simulatedBasis } from '#protocol/federation/simulatedBasis.ts';
import { basisFrom } from './gradientBasis.ts';

const shape = { rank: 2, directions: 3, outputs: [30, 50] };
const hidden = simulatedBasis(shape, 7);

function got(outcome: ReturnType<typeof expandUpdate>): Float32Array {
  if (!outcome.ok) throw new Error(outcome.refusal);
  return outcome.value;
}

/** Along the hidden directions, of very different lengths, with a little that is along none. */
const gradients = [1, 2, 3, 4].map((seed) => {
  const coefficients = Float32Array.from({ length: 12 }, (_, i) => Math.sin(seed * 31 + i * i));
  return got(expandUpdate(coefficients, hidden)).map(
    (value, i) => 10 ** seed * (value + 1e-4 * Math.sin(seed * 17 + i * i)),
  );
});

/** Share of the square of `given` along the basis. */
function along(given: Float32Array, basis: typeof hidden): number {
  const squares = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
  return squares(got(reduceUpdate(given, basis))) / squares(given);
}

describe('basisFrom', () => {
  it('finds the directions in which gradients lie, whatever their lengths', () => {
    const found = basisFrom(gradients, shape);
    if (found === undefined) throw new Error('There is none.');
    expect(roundBasis(found)).toMatchObject({ ok: true });
    const other = got(expandUpdate(new Float32Array(12).fill(1), hidden));
    expect(along(other, found)).toBeGreaterThan(0.9999);
    expect(along(other, simulatedBasis(shape, 8))).toBeLessThan(0.5);
    for (const gradient of gradients) expect(along(gradient, found)).toBeGreaterThan(0.9999);
  });

  it('takes those that hold most where there are more', () => {
    // The first direction of each matrix with coefficients ten times as large.
    const strong = [1, 2, 3].map((seed) =>
      got(
        expandUpdate(
          Float32Array.from({ length: 12 }, (_, i) => (i % 6 < 2 ? 10 : 1) * Math.sin(seed * 31 + i * i)),
          hidden,
        ),
      ),
    );
    const found = basisFrom(strong, { ...shape, directions: 1 });
    if (found === undefined) throw new Error('There is none.');
    for (const [m, matrix] of found.matrices.entries()) {
      const first = hidden.matrices[m]?.filter((_, i) => i % 3 === 0) ?? [];
      const cosine = matrix.reduce((sum, value, i) => sum + value * (first[i] ?? 0), 0);
      expect(Math.abs(cosine)).toBeGreaterThan(0.95);
    }
  });

  it('knows none where gradients lie in fewer directions than are asked for', () => {
    expect(basisFrom([], shape)).toBeUndefined();
    expect(basisFrom([new Float32Array(160)], shape)).toBeUndefined();
    // Of rank two, and so at most two directions of each.
    expect(basisFrom(gradients.slice(0, 1), shape)).toBeUndefined();
    const exact = gradients.map((gradient) => got(expandUpdate(got(reduceUpdate(gradient, hidden)), hidden)));
    expect(basisFrom(exact, { ...shape, directions: 4 })).toBeUndefined();
  });
});
