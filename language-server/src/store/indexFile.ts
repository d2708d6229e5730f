import { crc32 } from 'node:zlib';

export const indexName = 'index.db';

const sumBytes = 4;

/** A database with the CRC-32 of its bytes before it: SQLite itself does not see a wrong byte in a value. */
export function encodeIndexFile(database: Buffer): Buffer {
  const sum = Buffer.alloc(sumBytes);
  sum.writeUInt32BE(crc32(database));
  return Buffer.concat([sum, database]);
}

export function decodeIndexFile(bytes: Buffer): Buffer | undefined {
  if (bytes.length <= sumBytes) return undefined;
  const database = bytes.subarray(sumBytes);
  return crc32(database) === bytes.readUInt32BE(0) ? database : undefined;
}
