import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { basisValues, expandUpdate, reducedLength, reduceUpdate, roundBasis } from './basis.ts';
import { simulatedBasis } from './simulatedBasis.ts';

const shapes = fc.record({
  rank: fc.integer({ min: 1, max: 4 }),
  directions: fc.integer({ min: 1, max: 4 }),
  outputs: fc.array(fc.integer({ min: 12, max: 30 }), { minLength: 1, maxLength: 4 }),
  seed: fc.integer({ min: 0, max: 1000 }),
});
function taken<Value>(outcome: { ok: true; value: Value } | { ok: false; refusal: string }): Value {
  if (!outcome.ok) throw new Error(outcome.refusal);
  return outcome.value;
}

const numbers = (length: number, seed: number) => Float32Array.from({ length }, (_, i) => Math.sin(seed + i * i + 1));
const furthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.POSITIVE_INFINITY))), 0);

describe('a basis', () => {
  it('reduces and expands as the formulas say', () => {
    // Two matrices of 2 and 3 outputs, one direction, rank 2.
    const basis = {
      rank: 2,
      directions: 1,
      matrices: [new Float32Array([0.6, 0.8]), new Float32Array([0, 0, 1])],
    };
    const update = new Float32Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(taken(reduceUpdate(update, basis))).toEqual(new Float32Array([0.6 + 2.4, 1.2 + 3.2, 9, 10]));
    const expanded = taken(expandUpdate(new Float32Array([1, 2, 3, 4]), basis));
    expect([...expanded].map((value) => Number(value.toFixed(6)))).toEqual([0.6, 1.2, 0.8, 1.6, 0, 0, 0, 0, 3, 4]);
  });

  it('gives coefficients back that it expanded', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const basis = simulatedBasis(shape, shape.seed);
        const coefficients = numbers(reducedLength(basis), shape.seed);
        expect(coefficients.length).toBe(shape.outputs.length * shape.directions * shape.rank);
        const again = taken(reduceUpdate(taken(expandUpdate(coefficients, basis)), basis));
        expect(furthest(again, coefficients)).toBeLessThan(1e-5);
      }),
    );
  });

  it('keeps of an update what lies along its directions, and twice is once', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const basis = simulatedBasis(shape, shape.seed);
        const update = numbers(
          shape.outputs.reduce((sum, each) => sum + each * shape.rank, 0),
          shape.seed,
        );
        const project = (given: Float32Array) => taken(expandUpdate(taken(reduceUpdate(given, basis)), basis));
        const once = project(update);
        expect(once.length).toBe(update.length);
        expect(Math.hypot(...once)).toBeLessThan(Math.hypot(...update));
        expect(furthest(project(once), once)).toBeLessThan(1e-5);
      }),
    );
  });

  it('travels as bytes, which are the same floats for everybody, within half a level', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const exact = simulatedBasis(shape, shape.seed);
        const { ranges, levels, basis } = taken(roundBasis(exact));
        expect(levels.length).toBe(exact.matrices.reduce((sum, { length }) => sum + length, 0));
        for (const [i, matrix] of basis.matrices.entries()) {
          expect(furthest(matrix, exact.matrices[i] ?? matrix.subarray(1))).toBeLessThan((ranges[i] ?? 0) / 253);
        }
        // Also from the middle of other bytes.
        const placed = new Uint8Array(levels.length + 1);
        placed.set(levels, 1);
        expect(basisValues(placed.subarray(1), shape, ranges)).toEqual({ ok: true, value: basis });
      }),
    );
  });

  it('of a large model stands the rounding, also where one output has most of a direction', () => {
    const [matrix = new Float32Array(0)] = simulatedBasis({ rank: 1, directions: 8, outputs: [8960] }, 1).matrices;
    // The first direction is the first output's by nine tenths; a range for it leaves the others few levels.
    const peaked = matrix.map((value, i) => {
      if (i < 8) return i === 0 ? 0.9 : 0;
      return i % 8 === 0 ? Math.sqrt(1 - 0.81) * value : value;
    });
    const rounded = taken(roundBasis({ rank: 1, directions: 8, matrices: [peaked] }));
    const coefficients = new Float32Array(8).fill(1);
    const expanded = taken(expandUpdate(coefficients, rounded.basis));
    expect(Math.hypot(...expanded) / Math.hypot(...coefficients)).toBeCloseTo(1, 1);
  });

  it('is refused by name', () => {
    const shape = { rank: 2, directions: 2, outputs: [12, 20] };
    const exact = simulatedBasis(shape, 1);
    const { ranges, levels } = taken(roundBasis(exact));
    expect(basisValues(levels.subarray(1), shape, ranges)).toMatchObject({ refusal: 'basisSize' });
    expect(basisValues(levels, shape, ranges.slice(1))).toMatchObject({ refusal: 'basisSize' });
    expect(basisValues(levels.with(3, 0x80), shape, ranges)).toMatchObject({ refusal: 'basisRange' });
    // Too long, too short, without end.
    for (const factor of [1.3, 0.7, 0, 1e300]) {
      const scaled = ranges.map((range) => range * factor);
      expect(basisValues(levels, shape, scaled)).toMatchObject({ refusal: 'basisSkewed' });
    }
    // Of unit length, but twice the same direction.
    const twice = exact.matrices.map((matrix) => matrix.map((_, i) => matrix[i - (i % 2)] ?? 0));
    expect(roundBasis({ ...exact, matrices: twice })).toMatchObject({ refusal: 'basisSkewed' });
    const broken = exact.matrices.map((matrix) => matrix.with(5, Number.NaN));
    expect(roundBasis({ ...exact, matrices: broken })).toMatchObject({ refusal: 'basisSkewed' });
    const ragged = exact.matrices.map((matrix) => matrix.subarray(1));
    expect(roundBasis({ ...exact, matrices: ragged })).toMatchObject({ refusal: 'basisSize' });
    expect(reduceUpdate(new Float32Array(63), exact)).toMatchObject({ refusal: 'updateSize' });
    expect(expandUpdate(new Float32Array(9), exact)).toMatchObject({ refusal: 'updateSize' });
  });
});
