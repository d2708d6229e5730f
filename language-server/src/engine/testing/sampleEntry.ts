import { createHash } from 'node:crypto';
import type { CatalogueEntry, ModelSource } from '../catalogue.ts';

export const hubSource: ModelSource = { kind: 'hub', repository: 'a/model', revision: 'main', file: 'sample.gguf' };
export const pipSource: Extract<ModelSource, { kind: 'pip' }> = {
  kind: 'pip',
  package: 'sample-model',
  version: '1.0',
  entry: 'sample_model/sample.gguf',
  wheelBytes: 1000,
};

/** A catalogue entry for a test's own model file. */
export function sampleEntry(content: Buffer, sources: readonly ModelSource[]): CatalogueEntry {
  return {
    id: 'sample',
    name: 'Sample',
    parameters: '1M',
    licence: 'MIT',
    fileName: 'sample.gguf',
    sizeBytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    contextTokens: 512,
    fillInTheMiddle: false,
    memory: {
      weightsBytes: content.length,
      layers: 2,
      kvHeads: 2,
      keyLength: 16,
      valueLength: 16,
      embedding: 64,
      heads: 4,
      vocabulary: 3,
    },
    codeQuality: 1,
    sources,
  };
}
