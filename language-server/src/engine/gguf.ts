import { type FileHandle, open, stat } from 'node:fs/promises';
import { ByteCursor, EndOfFile } from './byteCursor.ts';
import { errorCode, errorMessage } from './faults.ts';
import { tensorBytes } from './ggmlTypes.ts';

export type GgufValue = number | boolean | string | readonly number[];

/** What Argot reads of a GGUF file's header; the weights are never read. */
export interface GgufFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** `general.architecture`; empty where the file names none. */
  readonly architecture: string;
  /** Scalars, texts of up to 64 KiB and arrays of up to 4096 numbers; longer values are skipped. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Tokens that look like control tokens, `<…>` or `[…]`, by id: ordinary words are skipped. */
  readonly markers: ReadonlyMap<number, string>;
  readonly vocabularySize: number;
  readonly parameterCount: number;
  /** Bytes of all tensors. */
  readonly weightsBytes: number;
  /** Dimensions by name, the length of a row first. */
  readonly tensors: ReadonlyMap<string, readonly number[]>;
}

export type GgufFault = 'missing' | 'unreadable' | 'notGguf' | 'unsupportedVersion' | 'truncated' | 'damaged';
export type GgufResult =
  | { readonly ok: true; readonly gguf: GgufFile }
  | { readonly ok: false; readonly fault: GgufFault; readonly message: string };

/** No real file comes near these; a hostile one is refused before it costs time or memory. */
const limits = {
  entries: 65_536,
  tensors: 65_536,
  keyBytes: 65_536,
  textBytes: 65_536,
  arrayItems: 16_000_000,
  keptNumbers: 4096,
  markerBytes: 64,
  markers: 16_384,
  dimensions: 4,
};

class Refusal extends Error {
  readonly fault: GgufFault;

  constructor(fault: GgufFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/**
 * Reads header, metadata and tensor list (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), and checks that
 * the file is as long as its tensors need. node-llama-cpp's reader keeps the whole vocabulary, trusts counts and
 * lengths, does not notice a short file, and costs the load of the library.
 */
export async function readGguf(path: string, signal?: AbortSignal): Promise<GgufResult> {
  let file: FileHandle | undefined;
  try {
    // A pipe would block in open(), so its kind is asked first.
    const { size } = await regularFile(path);
    file = await open(path, 'r');
    return { ok: true, gguf: await parse(path, file, size, signal) };
  } catch (error) {
    signal?.throwIfAborted();
    return { ok: false, ...explain(error, path) };
  } finally {
    await file?.close();
  }
}

async function regularFile(path: string): Promise<{ size: number }> {
  const status = await stat(path);
  if (!status.isFile()) throw new Refusal('unreadable', `${path} is not a file. Name a GGUF file.`);
  return status;
}

function explain(error: unknown, path: string): { fault: GgufFault; message: string } {
  if (error instanceof Refusal) return { fault: error.fault, message: error.message };
  if (error instanceof EndOfFile) {
    return {
      fault: 'truncated',
      message: `${path} ends too early: it is damaged or only part of a model. Fetch it again.`,
    };
  }
  if (errorCode(error) === 'ENOENT') {
    return { fault: 'missing', message: `There is no file ${path}. Check the path, or choose another model.` };
  }
  return { fault: 'unreadable', message: `${path} could not be read (${errorMessage(error)}). Check its permissions.` };
}

async function parse(path: string, file: FileHandle, sizeBytes: number, signal?: AbortSignal): Promise<GgufFile> {
  const cursor = new ByteCursor(file, sizeBytes);
  const { tensorCount, entryCount } = await readHeader(cursor, path, sizeBytes);
  const metadata = new Map<string, GgufValue>();
  const vocabulary: Vocabulary = { markers: new Map(), size: 0 };
  for (let i = 0; i < entryCount; i++) {
    signal?.throwIfAborted();
    await readEntry(cursor, metadata, vocabulary, path);
  }
  const tensors = await readTensors(cursor, tensorCount, path);
  const alignment = Number(metadata.get('general.alignment') ?? 32);
  if (!(alignment >= 1 && alignment <= 65_536)) throw damaged(path, `an alignment of ${alignment}`);
  const dataBegin = Math.ceil(cursor.position / alignment) * alignment;
  if (tensors.length > 0 && dataBegin + tensors.end > sizeBytes) throw new EndOfFile();
  return {
    path,
    sizeBytes,
    architecture: String(metadata.get('general.architecture') ?? ''),
    metadata,
    markers: vocabulary.markers,
    vocabularySize: vocabulary.size,
    parameterCount: tensors.elements,
    weightsBytes: tensors.length > 0 ? sizeBytes - dataBegin : 0,
    tensors: tensors.shapes,
  };
}

async function readHeader(cursor: ByteCursor, path: string, sizeBytes: number) {
  if (sizeBytes < 4) throw notGguf(path);
  await cursor.need(4);
  if (cursor.text(4) !== 'GGUF') throw notGguf(path);
  await cursor.need(20);
  const version = cursor.u32();
  if (version < 2 || version > 3) {
    const kind = version % 65_536 === 0 ? 'for big-endian machines' : `in version ${version} of the format`;
    throw new Refusal(
      'unsupportedVersion',
      `${path} is a GGUF file ${kind}. Argot reads versions 2 and 3: get a newer file.`,
    );
  }
  const tensorCount = cursor.u64();
  const entryCount = cursor.u64();
  if (tensorCount > limits.tensors) throw damaged(path, `${tensorCount} tensors`);
  if (entryCount > limits.entries) throw damaged(path, `${entryCount} metadata entries`);
  return { tensorCount, entryCount };
}

interface Vocabulary {
  readonly markers: Map<number, string>;
  size: number;
}

const arrayType = 9;
const textType = 8;
const scalars: Readonly<Record<number, readonly [bytes: number, read: (view: DataView) => number | boolean]>> = {
  0: [1, (view) => view.getUint8(0)],
  1: [1, (view) => view.getInt8(0)],
  2: [2, (view) => view.getUint16(0, true)],
  3: [2, (view) => view.getInt16(0, true)],
  4: [4, (view) => view.getUint32(0, true)],
  5: [4, (view) => view.getInt32(0, true)],
  6: [4, (view) => view.getFloat32(0, true)],
  7: [1, (view) => view.getUint8(0) !== 0],
  10: [8, (view) => Number(view.getBigUint64(0, true))],
  11: [8, (view) => Number(view.getBigInt64(0, true))],
  12: [8, (view) => view.getFloat64(0, true)],
};

async function readEntry(cursor: ByteCursor, metadata: Map<string, GgufValue>, vocabulary: Vocabulary, path: string) {
  const key = await readText(cursor, limits.keyBytes);
  if (key === undefined) throw damaged(path, 'a metadata name that is too long');
  await cursor.need(4);
  const type = cursor.u32();
  if (type === arrayType) return readArray(cursor, key, metadata, vocabulary, path);
  if (type === textType) {
    const text = await readText(cursor, limits.textBytes);
    if (text !== undefined) metadata.set(key, text);
    return;
  }
  const scalar = scalars[type];
  if (!scalar) throw damaged(path, `a value of unknown type ${type}`);
  await cursor.need(scalar[0]);
  metadata.set(key, scalar[1](cursor.view(scalar[0])));
}

/** Undefined, and skipped, when longer than `maxBytes`. */
async function readText(cursor: ByteCursor, maxBytes: number): Promise<string | undefined> {
  await cursor.need(8);
  const bytes = cursor.u64();
  if (bytes > maxBytes) {
    cursor.skip(bytes);
    return undefined;
  }
  await cursor.need(bytes);
  return cursor.text(bytes);
}

async function readArray(
  cursor: ByteCursor,
  key: string,
  metadata: Map<string, GgufValue>,
  vocabulary: Vocabulary,
  path: string,
) {
  await cursor.need(12);
  const type = cursor.u32();
  const count = cursor.u64();
  if (count > limits.arrayItems) throw damaged(path, `a list of ${count} items`);
  if (type === textType) {
    const isVocabulary = key === 'tokenizer.ggml.tokens';
    if (isVocabulary) vocabulary.size = count;
    return readTexts(cursor, count, isVocabulary ? vocabulary.markers : undefined);
  }
  const scalar = scalars[type];
  if (!scalar) throw damaged(path, `a list of unknown type ${type}`);
  if (count > limits.keptNumbers) return cursor.skip(count * scalar[0]);
  const numbers: number[] = [];
  for (let i = 0; i < count; i++) {
    await cursor.need(scalar[0]);
    numbers.push(Number(scalar[1](cursor.view(scalar[0]))));
  }
  metadata.set(key, numbers);
}

/** A vocabulary holds hundreds of thousands of texts, so this awaits only where the buffer runs out. */
async function readTexts(cursor: ByteCursor, count: number, markers: Map<number, string> | undefined) {
  for (let id = 0; id < count; id++) {
    if (!cursor.has(8)) await cursor.need(8);
    const bytes = cursor.u64();
    if (!markers || bytes === 0 || bytes > limits.markerBytes || markers.size >= limits.markers) {
      cursor.skip(bytes);
      continue;
    }
    if (!cursor.has(bytes)) await cursor.need(bytes);
    if (mayBeginMarker(cursor.peek())) {
      const text = cursor.text(bytes);
      if (/^(▁?<.+>|\[.+\])$/u.test(text)) markers.set(id, text);
    } else {
      cursor.skip(bytes);
    }
  }
}

/** `<`, `[`, or the first byte of SentencePiece's `▁`. */
function mayBeginMarker(byte: number): boolean {
  return byte === 0x3c || byte === 0x5b || byte === 0xe2;
}

/** `end` is the last byte that any tensor needs, counted from the start of the data. */
async function readTensors(cursor: ByteCursor, count: number, path: string) {
  const shapes = new Map<string, readonly number[]>();
  let elements = 0;
  let end = 0;
  for (let i = 0; i < count; i++) {
    const name = await readText(cursor, limits.keyBytes);
    if (name === undefined) throw damaged(path, 'a tensor name that is too long');
    await cursor.need(4);
    const dimensions = cursor.u32();
    if (dimensions > limits.dimensions) throw damaged(path, `a tensor of ${dimensions} dimensions`);
    await cursor.need(dimensions * 8 + 12);
    const shape = Array.from({ length: dimensions }, () => cursor.u64());
    const size = shape.reduce((product, length) => product * length, 1);
    shapes.set(name, shape);
    const type = cursor.u32();
    const offset = cursor.u64();
    elements += size;
    // A type that is unknown here takes at least its offset; llama.cpp judges the rest.
    end = Math.max(end, offset + (tensorBytes(type, size) ?? 0));
  }
  return { length: count, elements, end, shapes };
}

function notGguf(path: string): Refusal {
  return new Refusal('notGguf', `${path} is not a GGUF file. Choose a model file whose name ends in .gguf.`);
}

function damaged(path: string, what: string): Refusal {
  return new Refusal('damaged', `${path} is damaged: it claims ${what}. Fetch it again.`);
}
