import { assertLittleEndian } from './bytes.ts';

assertLittleEndian();

/**
 * A vector over the ring of a round: `lanes` (d) modulo 2^bits, and a weight modulo 2^32 beside them. Lanes are 16 or
 * 32 bits wide, wrap around at their own width and are reduced to `bits` only when they are packed, which the modulus
 * being a power of two allows.
 */
export interface RingVector {
  readonly bits: number;
  readonly lanes: Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  weight: number;
}

export function zeroVector(length: number, bits: number): RingVector {
  return { bits, weight: 0, lanes: bits <= 16 ? new Uint16Array(length) : new Uint32Array(length) };
}

/** The least modulus, as its binary logarithm, in which sums of −bound … bound are told apart. */
export function modulusBits(bound: number): number {
  return Math.ceil(Math.log2(2 * bound + 1));
}

/** Bytes of a packed vector: the weight's word, then the lanes' bits in whole words. */
export function packedBytes(length: number, bits: number): number {
  return 4 + 4 * Math.ceil((length * bits) / 32);
}

/** Little-endian bit string: lane i takes the bits from i·bits on. */
export function pack(vector: RingVector): Uint8Array {
  const { bits, lanes, weight } = vector;
  const words = new Uint32Array(packedBytes(lanes.length, bits) / 4);
  words[0] = weight;
  const mask = laneMask(bits);
  let word = 1;
  let gathered = 0;
  let filled = 0;
  for (let i = 0; i < lanes.length; i++) {
    const lane = (lanes[i] ?? 0) & mask;
    gathered |= lane << filled;
    filled += bits;
    if (filled >= 32) {
      words[word++] = gathered;
      filled -= 32;
      // A shift by 32 would be one by 0.
      gathered = filled === 0 ? 0 : lane >>> (bits - filled);
    }
  }
  if (filled > 0) words[word] = gathered;
  return new Uint8Array(words.buffer);
}

export function unpack(packed: Uint8Array, length: number, bits: number): RingVector {
  const words = wordsOf(packed);
  const vector = zeroVector(length, bits);
  vector.weight = words[0] ?? 0;
  const { lanes } = vector;
  const mask = laneMask(bits);
  const last = words.length - 1;
  let word = 1;
  let shift = 0;
  for (let i = 0; i < lanes.length; i++) {
    const low = (words[word] ?? 0) >>> shift;
    // In two shifts, since one by 32 would be one by 0. Behind the last word the bits are masked off.
    const high = ((words[word === last ? last : word + 1] ?? 0) << 1) << (31 - shift);
    lanes[i] = (low | high) & mask;
    shift += bits;
    word += shift >>> 5;
    shift &= 31;
  }
  return vector;
}

/**
 * Adds a packed vector to another of the same length and modulus, in place and without unpacking either. All lanes of a
 * word are added at once: their top bits without carry, so that no lane reaches the next, and a carry goes on to the next
 * word only within a lane that lies across both.
 */
export function addPacked(sum: Uint32Array, packed: Uint8Array, bits: number): void {
  const words = wordsOf(packed);
  sum[0] = (sum[0] ?? 0) + (words[0] ?? 0);
  const belowTop = bitsBelowTop(bits);
  let carry = 0;
  for (let start = 1; start < sum.length; start += bits) {
    const end = Math.min(start + bits, sum.length);
    for (let i = start; i < end; i++) {
      const a = sum[i] ?? 0;
      const b = words[i] ?? 0;
      const below = belowTop[i - start] ?? 0;
      const x = a & below;
      const y = b & below;
      const added = (x + y + carry) | 0;
      carry = ((x & y) | ((x | y) & ~added)) >>> 31;
      sum[i] = added ^ ((a ^ b) & ~below);
    }
  }
}

/** For each word of a period of 32 lanes, all bits but the lanes' top ones. */
function bitsBelowTop(bits: number): Int32Array {
  const below = new Int32Array(bits).fill(-1);
  for (let lane = 0; lane < 32; lane++) {
    const top = lane * bits + bits - 1;
    below[top >>> 5] = (below[top >>> 5] ?? 0) & ~(1 << (top & 31));
  }
  return below;
}

/** Whether the bits behind the last lane are zero, so that one vector has one packing. */
export function paddingIsZero(packed: Uint8Array, length: number, bits: number): boolean {
  const used = (length * bits) % 32;
  return used === 0 || (wordsOf(packed).at(-1) ?? 0) >>> used === 0;
}

/** Lane i as a signed number, −2^(bits−1) … 2^(bits−1) − 1. */
export function signedLane(vector: RingVector, i: number): number {
  const unused = 32 - vector.bits;
  return ((vector.lanes[i] ?? 0) << unused) >> unused;
}

function laneMask(bits: number): number {
  return bits === 32 ? -1 : (1 << bits) - 1;
}

function wordsOf(packed: Uint8Array): Uint32Array {
  const aligned = packed.byteOffset % 4 === 0 ? packed : packed.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}
