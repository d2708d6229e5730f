import { describe, expect, it } from 'vitest';
import { largestLevel } from './quantiser.ts';
import { modulusBits } from './ring.ts';
import { fittingBits } from './sumBound.ts';

describe('fittingBits', () => {
  const wanted = { bits: 8, laneBits: 10 };
  it.each([
    [3, 8],
    [4, 8],
    [5, 7],
    [10, 6],
    [32, 5],
    [50, 4],
  ])('for %i members at ten bits on the wire: %i', (members, bits) => {
    expect(fittingBits(wanted, members, 0)).toBe(bits);
    expect(modulusBits(members * largestLevel(bits))).toBeLessThanOrEqual(10);
  });

  it('leaves room for the noise of all members', () => {
    expect(fittingBits({ ...wanted, laneBits: 12 }, 10, 1000)).toBeLessThan(
      fittingBits({ ...wanted, laneBits: 12 }, 10, 0),
    );
  });

  it('gives two bits at the least, even if the sum is wider than asked for', () => {
    expect(fittingBits({ ...wanted, laneBits: 4 }, 500, 0)).toBe(2);
  });
});
