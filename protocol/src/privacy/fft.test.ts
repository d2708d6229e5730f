import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type ComplexVector, forwardTransform, inverseTransform } from './fft.ts';

function naive({ re, im }: ComplexVector): ComplexVector {
  const size = re.length;
  const out = { re: new Float64Array(size), im: new Float64Array(size) };
  for (let k = 0; k < size; k++) {
    for (let n = 0; n < size; n++) {
      const angle = (-2 * Math.PI * ((k * n) % size)) / size;
      out.re[k]! += re[n]! * Math.cos(angle) - im[n]! * Math.sin(angle);
      out.im[k]! += re[n]! * Math.sin(angle) + im[n]! * Math.cos(angle);
    }
  }
  return out;
}

const vectors = fc.integer({ min: 0, max: 7 }).chain((power) => {
  const part = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2 ** power, maxLength: 2 ** power });
  return fc.record({ re: part.map((v) => Float64Array.from(v)), im: part.map((v) => Float64Array.from(v)) });
});

function farthest(a: ComplexVector, b: ComplexVector): number {
  return Math.max(...a.re.map((v, i) => Math.hypot(v - b.re[i]!, a.im[i]! - b.im[i]!)));
}

it('is the discrete Fourier transform', () => {
  fc.assert(
    fc.property(vectors, (vector) => {
      const expected = naive(vector);
      forwardTransform(vector);
      expect(farthest(vector, expected)).toBeLessThan(1e-12);
    }),
    { numRuns: 60 },
  );
});

it('is undone by its inverse', () => {
  fc.assert(
    fc.property(vectors, (vector) => {
      const before = { re: vector.re.slice(), im: vector.im.slice() };
      forwardTransform(vector);
      inverseTransform(vector);
      expect(farthest(vector, before)).toBeLessThan(1e-14 * 8);
    }),
    { numRuns: 60 },
  );
});

it('rejects lengths that are no power of two', () => {
  for (const size of [0, 3, 12]) {
    expect(() => forwardTransform({ re: new Float64Array(size), im: new Float64Array(size) })).toThrow('power of two');
  }
  expect(() => forwardTransform({ re: new Float64Array(4), im: new Float64Array(2) })).toThrow('both parts');
});
