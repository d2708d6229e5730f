import { createCipheriv } from 'node:crypto';
import type { RingVector } from './ring.ts';

/** A stream of masks: which seed, and whether its masks are added or taken away. */
export interface Mask {
  readonly seed: Uint8Array;
  readonly sign: 1 | -1;
}

const cipherName = 'aes-256-ctr';
const zeroBlock = new Uint8Array(16);
/** Lanes and stream of one piece stay in the processor's second cache while all seeds pass over it. */
const pieceBytes = 1 << 16;
const zeros = new Uint8Array(pieceBytes);

/** Applies every mask to the vector in place; the order of the masks makes no difference. */
export function applyMasks(vector: RingVector, masks: readonly Mask[]): void {
  const { lanes } = vector;
  const streams = masks.map(({ seed, sign }) => ({ cipher: createCipheriv(cipherName, seed, zeroBlock), sign }));
  for (const { cipher, sign } of streams) {
    const head = cipher.update(zeroBlock);
    vector.weight = (vector.weight + sign * head.readUInt32LE(0)) >>> 0;
  }
  const pieceLanes = pieceBytes / lanes.BYTES_PER_ELEMENT;
  for (let start = 0; start < lanes.length; start += pieceLanes) {
    const piece = lanes.subarray(start, start + pieceLanes);
    const piecesZeros = piece.length === pieceLanes ? zeros : zeros.subarray(0, piece.byteLength);
    for (const { cipher, sign } of streams) {
      const stream = cipher.update(piecesZeros);
      addStream(piece, stream, sign);
      free(stream);
    }
  }
}

/** The words of a seed's stream, for drawing random integers. */
export function streamWords(seed: Uint8Array): () => number {
  const cipher = createCipheriv(cipherName, seed, zeroBlock);
  let words = new Uint32Array(0);
  let next = 0;
  return () => {
    if (next === words.length) {
      words = wordsOf(cipher.update(zeros.subarray(0, 4096)));
      next = 0;
    }
    return words[next++] ?? 0;
  };
}

/** The next `words.length` words of a seed's stream, piece by piece: `take` is given each piece and its place. */
export function eachStreamPiece(
  seed: Uint8Array,
  length: number,
  take: (words: Uint32Array, start: number) => void,
): void {
  const cipher = createCipheriv(cipherName, seed, zeroBlock);
  const pieceWords = pieceBytes / 4;
  for (let start = 0; start < length; start += pieceWords) {
    const count = Math.min(pieceWords, length - start);
    take(wordsOf(cipher.update(zeros.subarray(0, count * 4))), start);
  }
}

/** At once: by itself it would lie about, unused, until tens of megabytes of it are there. */
function free({ buffer, length }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0);
}

/** 32 bits at a time, for both widths: adding is what a member's time goes into. */
function addStream(piece: RingVector['lanes'], stream: Uint8Array, sign: 1 | -1): void {
  const whole = piece.byteLength >> 2;
  const a = new Int32Array(piece.buffer, piece.byteOffset, whole);
  const b = wordsOf(stream);
  if (piece.BYTES_PER_ELEMENT === 4) {
    if (sign === 1) for (let i = 0; i < whole; i++) a[i] = (a[i] ?? 0) + (b[i] ?? 0);
    else for (let i = 0; i < whole; i++) a[i] = (a[i] ?? 0) - (b[i] ?? 0);
    return;
  }
  if (sign === 1) addPairs(a, b);
  else subtractPairs(a, b);
  const last = piece.length - 1;
  if (piece.length % 2 === 1)
    piece[last] = (piece[last] ?? 0) + sign * ((stream[last * 2] ?? 0) | ((stream[last * 2 + 1] ?? 0) << 8));
}

/** Two 16-bit lanes in a word: the top bits are added without carry, so that the lower lane does not reach the upper. */
function addPairs(a: Int32Array, b: Int32Array | Uint32Array): void {
  for (let i = 0; i < a.length; i++) {
    const x = a[i] ?? 0;
    const y = b[i] ?? 0;
    a[i] = ((x & 0x7fff7fff) + (y & 0x7fff7fff)) ^ ((x ^ y) & 0x80008000);
  }
}

/** As `addPairs`, borrowing from a set top bit. */
function subtractPairs(a: Int32Array, b: Int32Array | Uint32Array): void {
  for (let i = 0; i < a.length; i++) {
    const x = a[i] ?? 0;
    const y = b[i] ?? 0;
    a[i] = ((x | 0x80008000) - (y & 0x7fff7fff)) ^ (~(x ^ y) & 0x80008000);
  }
}

function wordsOf(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  const aligned = bytes.byteOffset % 4 === 0 && bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
  const { buffer, byteOffset } = aligned;
  if (!(buffer instanceof ArrayBuffer)) throw new TypeError('Cipher output stands in memory of its own.');
  return new Uint32Array(buffer, byteOffset, aligned.length >> 2);
}
