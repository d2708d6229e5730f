import { z } from 'zod';
import { numericFields, type Segment } from '../context/segment.ts';

const headerSchema = z.object({
  files: z.array(z.tuple([z.string(), z.number(), z.number()])),
  lengths: z.array(z.number().int().min(0)).length(numericFields.length),
});

/** A segment as bytes: length of the header, header as JSON, then the arrays, widest first so that all are aligned. */
export function encodeSegment(segment: Segment): Buffer {
  const header = Buffer.from(
    JSON.stringify({
      files: segment.files.map(({ path, sizeBytes, modifiedMs }) => [path, sizeBytes, modifiedMs]),
      lengths: numericFields.map((field) => segment[field].length),
    }),
  );
  const start = Buffer.alloc(8);
  start.writeUInt32LE(header.length);
  const padding = Buffer.alloc((8 - (header.length % 8)) % 8);
  const arrays = numericFields.map((field) => {
    const { buffer, byteOffset, byteLength } = segment[field];
    return Buffer.from(buffer, byteOffset, byteLength);
  });
  return Buffer.concat([start, header, padding, ...arrays]);
}

/** Throws where the bytes are no segment; the caller has compared their hash, so that only another version of Argot makes such. */
export function decodeSegment(bytes: Buffer): Segment {
  const headerLength = bytes.readUInt32LE(0);
  const header = headerSchema.parse(JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)));
  let at = 8 + Math.ceil(headerLength / 8) * 8;
  // Views on what was read where it lies aligned, so that a large index is in memory once.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : Buffer.from(Uint8Array.from(bytes).buffer);
  const take = <T>(
    make: new (buffer: ArrayBufferLike, offset: number, length: number) => T,
    bytesEach: number,
    index: number,
  ): T => {
    const length = header.lengths[index] ?? 0;
    if (at + length * bytesEach > bytes.length) throw new Error('The file is too short.');
    const array = new make(aligned.buffer, aligned.byteOffset + at, length);
    at += length * bytesEach;
    return array;
  };
  return {
    files: header.files.map(([path, sizeBytes, modifiedMs]) => ({ path, sizeBytes, modifiedMs })),
    chunkHash: take(Float64Array, 8, 0),
    firstChunk: take(Uint32Array, 4, 1),
    chunkStart: take(Uint32Array, 4, 2),
    chunkEnd: take(Uint32Array, 4, 3),
    terms: take(Uint32Array, 4, 4),
    offsets: take(Uint32Array, 4, 5),
    postings: take(Uint32Array, 4, 6),
    chunkFile: take(Uint16Array, 2, 7),
    chunkTerms: take(Uint16Array, 2, 8),
  };
}
