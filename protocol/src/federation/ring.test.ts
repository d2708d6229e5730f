import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyMasks } from './maskStream.ts';
import { addPacked, modulusBits, pack, packedBytes, paddingIsZero, signedLane, unpack, zeroVector } from './ring.ts';

/** Lanes as plain numbers modulo 2^bits, without any of the fast paths. */
const vectors = fc.integer({ min: 2, max: 32 }).chain((bits) =>
  fc.record({
    bits: fc.constant(bits),
    weight: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    values: fc.array(fc.integer({ min: 0, max: 2 ** bits - 1 }), { maxLength: 70 }),
  }),
);

function vectorOf({ bits, weight, values }: { bits: number; weight: number; values: readonly number[] }) {
  const vector = zeroVector(values.length, bits);
  vector.weight = weight;
  values.forEach((value, i) => {
    vector.lanes[i] = value;
  });
  return vector;
}

/** The bit string of the specification, written down bit by bit. */
function packedByHand({ bits, weight, values }: { bits: number; weight: number; values: readonly number[] }) {
  const bytes = new Uint8Array(packedBytes(values.length, bits));
  new DataView(bytes.buffer).setUint32(0, weight, true);
  values.forEach((value, i) => {
    for (let bit = 0; bit < bits; bit++) {
      const place = i * bits + bit;
      if (Math.floor(value / 2 ** bit) % 2 === 1) bytes[4 + Math.floor(place / 8)]! |= 1 << (place % 8);
    }
  });
  return bytes;
}

describe('pack', () => {
  it('writes the bit string of the specification', () => {
    fc.assert(
      fc.property(vectors, (given) => {
        expect(pack(vectorOf(given))).toEqual(packedByHand(given));
      }),
    );
  });

  it('is undone by unpack, on memory of any alignment', () => {
    fc.assert(
      fc.property(vectors, fc.integer({ min: 0, max: 3 }), (given, offset) => {
        const packed = new Uint8Array(packedByHand(given).length + offset).subarray(offset);
        packed.set(packedByHand(given));
        const vector = unpack(packed, given.values.length, given.bits);
        expect([...vector.lanes]).toEqual(given.values);
        expect(vector.weight).toBe(given.weight);
      }),
    );
  });
});

it('adds packed vectors in the ring, lane by lane', () => {
  const terms = vectors.chain((first) =>
    fc.record({
      first: fc.constant(first),
      // Ones all over make every carry there is.
      others: fc.array(
        fc.array(fc.oneof(fc.constant(2 ** first.bits - 1), fc.integer({ min: 0, max: 2 ** first.bits - 1 })), {
          minLength: first.values.length,
          maxLength: first.values.length,
        }),
        { maxLength: 4 },
      ),
    }),
  );
  fc.assert(
    fc.property(terms, ({ first, others }) => {
      const { bits, weight } = first;
      const all = [first.values, ...others];
      const sum = new Uint32Array(packedBytes(first.values.length, bits) / 4);
      for (const values of all) addPacked(sum, pack(vectorOf({ bits, weight, values })), bits);
      const values = first.values.map((_, i) => all.reduce((total, each) => total + each[i]!, 0) % 2 ** bits);
      const wanted = packedByHand({ bits, weight: (all.length * weight) % 2 ** 32, values });
      expect(new Uint8Array(sum.buffer)).toEqual(wanted);
    }),
    { numRuns: 300 },
  );
});

it('sees a bit behind the last lane', () => {
  const packed = pack(vectorOf({ bits: 12, weight: 1, values: [4095] }));
  expect(paddingIsZero(packed, 1, 12)).toBe(true);
  packed[5]! |= 0x10;
  expect(paddingIsZero(packed, 1, 12)).toBe(false);
});

it('takes no more bits than the sum needs', () => {
  for (const bound of [1, 3, 127, 1270, 32767, 32768, 2 ** 30]) {
    const bits = modulusBits(bound);
    expect(2 ** bits).toBeGreaterThanOrEqual(2 * bound + 1);
    expect(2 ** (bits - 1)).toBeLessThan(2 * bound + 1);
  }
});

it('reads signed lanes of every width', () => {
  for (const bits of [2, 12, 16, 17, 32]) {
    const vector = zeroVector(3, bits);
    [-1, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1].forEach((value, i) => {
      vector.lanes[i] = value;
    });
    expect([0, 1, 2].map((i) => signedLane(vector, i))).toEqual([-1, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1]);
  }
});

describe('applyMasks', () => {
  const seed = (): Uint8Array => new Uint8Array(randomBytes(32));

  it.each([12, 16, 20, 32])('cancels what another takes away, across pieces, at %i bits', (bits) => {
    // Odd, and longer than one piece of either width.
    const vector = zeroVector(40_001, bits);
    vector.weight = 7;
    vector.lanes.fill(3);
    const before = pack(vector);
    const seeds = [seed(), seed()];
    applyMasks(
      vector,
      seeds.map((each) => ({ seed: each, sign: 1 })),
    );
    expect(Buffer.compare(pack(vector), before)).not.toBe(0);
    applyMasks(
      vector,
      [...seeds].reverse().map((each) => ({ seed: each, sign: -1 })),
    );
    expect(Buffer.compare(pack(vector), before)).toBe(0);
  });

  it('is the stream that the specification names', async () => {
    const { createCipheriv } = await import('node:crypto');
    const key = seed();
    const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(16 + 4 * 7));
    for (const bits of [13, 25]) {
      const width = bits <= 16 ? 2 : 4;
      for (const sign of [1, -1] as const) {
        const vector = zeroVector(7, bits);
        applyMasks(vector, [{ seed: key, sign }]);
        expect(vector.weight).toBe((sign * stream.readUInt32LE(0)) >>> 0);
        const lanes = [0, 1, 2, 3, 4, 5, 6].map((i) => sign * stream.readUIntLE(16 + i * width, width));
        expect(pack(vector).subarray(4)).toEqual(
          pack(
            vectorOf({ bits, weight: 0, values: lanes.map((lane) => ((lane % 2 ** bits) + 2 ** bits) % 2 ** bits) }),
          ).subarray(4),
        );
      }
    }
  });
});
