import { createHash } from 'node:crypto';

export const indexName = 'index.db';

const sumBytes = 32;

/** A database with the SHA-256 of its bytes before it: SQLite itself does not see a wrong byte in a value. */
export function encodeIndexFile(database: Buffer): Buffer {
  return Buffer.concat([createHash('sha256').update(database).digest(), database]);
}

export function decodeIndexFile(bytes: Buffer): Buffer | undefined {
  const database = bytes.subarray(sumBytes);
  const sum = createHash('sha256').update(database).digest();
  return bytes.length > sumBytes && sum.equals(bytes.subarray(0, sumBytes)) ? database : undefined;
}
