import { tensorBytes } from '../ggmlTypes.ts';

/** The bytes of a GGUF file as a test describes it; numbers become u32, and whatever is not said is left out. */
export interface SampleGguf {
  readonly version?: number;
  readonly metadata?: Readonly<Record<string, string | number | boolean | readonly string[] | readonly number[]>>;
  readonly tensors?: readonly {
    readonly name?: string;
    readonly dimensions: readonly number[];
    readonly type: number;
  }[];
}

export function sampleGguf({ version = 3, metadata = {}, tensors = [] }: SampleGguf): Buffer {
  const entries = Object.entries(metadata);
  const parts = [Buffer.from('GGUF'), u32(version), u64(tensors.length), u64(entries.length)];
  for (const [key, value] of entries) parts.push(text(key), encoded(value));
  let offset = 0;
  for (const [index, { name, dimensions, type }] of tensors.entries()) {
    parts.push(text(name ?? `tensor.${index}`), u32(dimensions.length), ...dimensions.map(u64), u32(type), u64(offset));
    const bytes =
      tensorBytes(
        type,
        dimensions.reduce((product, each) => product * each, 1),
      ) ?? 0;
    offset += Math.ceil(bytes / 32) * 32;
  }
  const header = Buffer.concat(parts);
  const padding = tensors.length > 0 ? (32 - (header.length % 32)) % 32 : 0;
  return Buffer.concat([header, Buffer.alloc(padding + offset)]);
}

/** A tiny language model as far as its header tells. */
export function sampleModel(metadata: SampleGguf['metadata'] = {}): Buffer {
  return sampleGguf({
    metadata: {
      'general.architecture': 'llama',
      'general.name': 'Sample',
      'llama.block_count': 2,
      'llama.context_length': 512,
      'llama.embedding_length': 64,
      'llama.attention.head_count': 4,
      'llama.attention.head_count_kv': 2,
      'tokenizer.ggml.tokens': ['<|endoftext|>', 'a', 'b'],
      ...metadata,
    },
    tensors: [{ dimensions: [64, 100], type: 0 }],
  });
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function encoded(value: string | number | boolean | readonly string[] | readonly number[]): Buffer {
  if (typeof value === 'string') return Buffer.concat([u32(8), text(value)]);
  if (typeof value === 'number') return Buffer.concat([u32(4), u32(value)]);
  if (typeof value === 'boolean') return Buffer.concat([u32(7), Buffer.from([value ? 1 : 0])]);
  const items = value.map((item) => (typeof item === 'string' ? text(item) : u32(item)));
  return Buffer.concat([u32(9), u32(typeof value[0] === 'string' ? 8 : 4), u64(items.length), ...items]);
}
