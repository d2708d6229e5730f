import type { FileHandle } from 'node:fs/promises';

/** The file ended before what its own lengths promise. */
export class EndOfFile extends Error {}

const bufferBytes = 256 * 1024;

/**
 * Reads a file forwards through one fixed buffer, so that no length in the file can make it allocate. The typed readers
 * are synchronous and need `await need(n)` first, unless `has(n)`.
 */
export class ByteCursor {
  readonly #file: FileHandle;
  readonly #sizeBytes: number;
  readonly #buffer = Buffer.allocUnsafe(bufferBytes);
  #bufferAt = 0;
  #begin = 0;
  #end = 0;

  constructor(file: FileHandle, sizeBytes: number) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  get position(): number {
    return this.#bufferAt + this.#begin;
  }

  has(bytes: number): boolean {
    return this.#end - this.#begin >= bytes;
  }

  /** At most 256 KiB at once. */
  async need(bytes: number): Promise<void> {
    if (this.has(bytes)) return;
    if (bytes > bufferBytes) throw new RangeError(`${bytes} bytes exceed the cursor's buffer`);
    if (this.position + bytes > this.#sizeBytes) throw new EndOfFile();
    this.#buffer.copyWithin(0, this.#begin, this.#end);
    this.#bufferAt += this.#begin;
    this.#end -= this.#begin;
    this.#begin = 0;
    while (this.#end < bytes) {
      const free = bufferBytes - this.#end;
      const { bytesRead } = await this.#file.read(this.#buffer, this.#end, free, this.#bufferAt + this.#end);
      if (bytesRead === 0) throw new EndOfFile();
      this.#end += bytesRead;
    }
  }

  skip(bytes: number): void {
    if (!(bytes <= this.#sizeBytes - this.position)) throw new EndOfFile();
    if (this.has(bytes)) {
      this.#begin += bytes;
      return;
    }
    this.#bufferAt = this.position + bytes;
    this.#begin = 0;
    this.#end = 0;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#advance(1));
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#advance(4));
  }

  /** Exact up to 2^53; beyond it no length or count is true, so rounding does no harm. */
  u64(): number {
    return Number(this.#buffer.readBigUInt64LE(this.#advance(8)));
  }

  text(bytes: number): string {
    const at = this.#advance(bytes);
    return this.#buffer.toString('utf8', at, at + bytes);
  }

  /** A view that the next read overwrites. */
  view(bytes: number): DataView {
    const at = this.#advance(bytes);
    return new DataView(this.#buffer.buffer, this.#buffer.byteOffset + at, bytes);
  }

  /** The first byte that `u8` would give. */
  peek(): number {
    return this.#buffer.readUInt8(this.#begin);
  }

  #advance(bytes: number): number {
    const at = this.#begin;
    this.#begin += bytes;
    return at;
  }
}
