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
  const take = <T>(bytesEach: number, index: number, make: (buffer: ArrayBuffer) => T): T => {
    const size = (header.lengths[index] ?? 0) * bytesEach;
    if (at + size > bytes.length) throw new Error('The file is too short.');
    const copy = new ArrayBuffer(size);
    new Uint8Array(copy).set(bytes.subarray(at, at + size));
    at += size;
    return make(copy);
  };
  return {
    files: header.files.map(([path, sizeBytes, modifiedMs]) => ({ path, sizeBytes, modifiedMs })),
    chunkHash: take(8, 0, (buffer) => new Float64Array(buffer)),
    firstChunk: take(4, 1, (buffer) => new Uint32Array(buffer)),
    chunkStart: take(4, 2, (buffer) => new Uint32Array(buffer)),
    chunkEnd: take(4, 3, (buffer) => new Uint32Array(buffer)),
    terms: take(4, 4, (buffer) => new Uint32Array(buffer)),
    offsets: take(4, 5, (buffer) => new Uint32Array(buffer)),
    postings: take(4, 6, (buffer) => new Uint32Array(buffer)),
    chunkFile: take(2, 7, (buffer) => new Uint16Array(buffer)),
    chunkTerms: take(2, 8, (buffer) => new Uint16Array(buffer)),
  };
}
