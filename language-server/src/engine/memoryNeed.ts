import type { GgufFile } from './gguf.ts';

/** What a model's memory depends on, beside how it is used. */
export interface MemoryFacts {
  readonly weightsBytes: number;
  readonly layers: number;
  /** Heads of keys and values in a layer; the mean where layers differ. */
  readonly kvHeads: number;
  /** Elements of one key, and of one value, per head. */
  readonly keyLength: number;
  readonly valueLength: number;
  readonly embedding: number;
  readonly heads: number;
  readonly vocabulary: number;
}

export interface MemoryUse {
  readonly contextTokens: number;
  /** Tokens that are evaluated at once. */
  readonly batchTokens: number;
}

export const usualUse: MemoryUse = { contextTokens: 4096, batchTokens: 64 };

const bytesOfF16 = 2;
const bytesOfF32 = 4;
/** Libraries, the vocabulary in the tokenizer, and the allocator: 65 MB for SmolLM2 135M on Linux. */
const fixedBytes = 80e6;

/**
 * Bytes that the model takes while it works: weights, a KV cache of 16-bit floats, and the buffers of one batch, of which
 * the scores of attention and the logits are the largest. An estimate: the measured figure is the process's own.
 */
export function memoryNeed(facts: MemoryFacts, use: MemoryUse = usualUse): number {
  const kvPerToken = facts.layers * facts.kvHeads * (facts.keyLength + facts.valueLength) * bytesOfF16;
  const batchPerToken = facts.vocabulary + facts.heads * use.contextTokens + 12 * facts.embedding;
  const batchBytes = use.batchTokens * batchPerToken * bytesOfF32;
  return Math.round(facts.weightsBytes + use.contextTokens * kvPerToken + batchBytes + fixedBytes);
}

/** From a file's metadata; what an architecture does not state is taken as without grouped heads, which is the larger. */
export function memoryFactsOf(gguf: GgufFile): MemoryFacts {
  const read = (key: string) => mean(gguf.metadata.get(`${gguf.architecture}.${key}`));
  const embedding = read('embedding_length') ?? 0;
  const heads = read('attention.head_count') || 1;
  const headLength = embedding / heads;
  return {
    weightsBytes: gguf.weightsBytes,
    layers: read('block_count') ?? 0,
    kvHeads: read('attention.head_count_kv') ?? heads,
    keyLength: read('attention.key_length') ?? headLength,
    valueLength: read('attention.value_length') ?? headLength,
    embedding,
    heads,
    vocabulary: gguf.vocabularySize,
  };
}

function mean(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (!Array.isArray(value) || value.length === 0) return undefined;
  return value.reduce((sum: number, item) => sum + Number(item), 0) / value.length;
}
