import { describe, expect, it } from 'vitest';
import { catalogue, catalogueEntry } from './catalogue.ts';
import type { GgufFile, GgufValue } from './gguf.ts';
import { memoryFactsOf, memoryNeed } from './memoryNeed.ts';

function gguf(metadata: Record<string, GgufValue>): GgufFile {
  return {
    path: 'model.gguf',
    sizeBytes: 100,
    architecture: 'llama',
    metadata: new Map(Object.entries(metadata)),
    markers: new Map(),
    vocabularySize: 49_152,
    parameterCount: 1,
    weightsBytes: 96_576_768,
    tensors: new Map(),
  };
}

describe('memoryFactsOf', () => {
  it('reads what the catalogue says of SmolLM2 from its metadata', () => {
    const facts = memoryFactsOf(
      gguf({
        'llama.block_count': 30,
        'llama.embedding_length': 576,
        'llama.attention.head_count': 9,
        'llama.attention.head_count_kv': 3,
      }),
    );
    expect(facts).toEqual(catalogueEntry('smollm2-135m')?.memory);
  });

  it('takes the mean where layers differ, and full heads where nothing is said', () => {
    expect(memoryFactsOf(gguf({ 'llama.attention.head_count_kv': [0, 4, 0, 4] })).kvHeads).toBe(2);
    expect(memoryFactsOf(gguf({ 'llama.attention.head_count': 8 })).kvHeads).toBe(8);
  });
});

describe('memoryNeed', () => {
  it('grows with the context by the keys and values of every layer', () => {
    const facts = {
      weightsBytes: 0,
      layers: 10,
      kvHeads: 2,
      keyLength: 64,
      valueLength: 64,
      embedding: 0,
      heads: 0,
      vocabulary: 0,
    };
    const grown =
      memoryNeed(facts, { contextTokens: 2000, batchTokens: 1 }) -
      memoryNeed(facts, { contextTokens: 1000, batchTokens: 1 });
    expect(grown).toBe(1000 * 10 * 2 * 128 * 2);
  });

  it('is more than the file and less than twice it plus half a gigabyte, for every model of the catalogue', () => {
    for (const { id, sizeBytes, memory } of catalogue) {
      expect(memoryNeed(memory), id).toBeGreaterThan(sizeBytes);
      expect(memoryNeed(memory), id).toBeLessThan(2 * sizeBytes + 500e6);
    }
  });
});
