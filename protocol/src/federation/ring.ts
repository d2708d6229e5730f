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

/** Adds a packed vector of the same length and modulus to `sum`, or takes it away again. */
export function addPacked(sum: RingVector, packed: Uint8Array, sign: 1 | -1): void {
  const words = wordsOf(packed);
  sum.weight = (sum.weight + sign * (words[0] ?? 0)) >>> 0;
  const { bits, lanes } = sum;
  const mask = laneMask(bits);
  // x ^ −1 + 1 is −x, without a branch or a multiplication in the loop.
  const flip = sign === 1 ? 0 : -1;
  const last = words.length - 1;
  let word = 1;
  let shift = 0;
  for (let i = 0; i < lanes.length; i++) {
    const low = (words[word] ?? 0) >>> shift;
    // In two shifts, since one by 32 would be one by 0. Behind the last word the bits are masked off.
    const high = ((words[word === last ? last : word + 1] ?? 0) << 1) << (31 - shift);
    const lane = (low | high) & mask;
    lanes[i] = (lanes[i] ?? 0) + (lane ^ flip) - flip;
    shift += bits;
    word += shift >>> 5;
    shift &= 31;
  }
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
