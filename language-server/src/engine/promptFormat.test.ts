import { describe, expect, it } from 'vitest';
import type { GgufFile, GgufValue } from './gguf.ts';
import { promptFormatOf, unsupportedReason } from './promptFormat.ts';

function gguf(tokens: readonly string[], metadata: Record<string, GgufValue> = {}): GgufFile {
  return {
    path: 'model.gguf',
    sizeBytes: 1e6,
    architecture: String(metadata['general.architecture'] ?? 'llama'),
    metadata: new Map(Object.entries(metadata)),
    markers: new Map(tokens.map((token, id) => [id, token])),
    vocabularySize: 1000,
    parameterCount: 1e6,
    weightsBytes: 1e6,
    tensors: new Map(),
  };
}

describe('promptFormatOf', () => {
  it('knows Qwen2.5-Coder', () => {
    const tokens = [
      '<|endoftext|>',
      '<|fim_prefix|>',
      '<|fim_middle|>',
      '<|fim_suffix|>',
      '<|fim_pad|>',
      '<|repo_name|>',
      '<|file_sep|>',
    ];
    expect(promptFormatOf(gguf(tokens))).toEqual({
      family: 'qwen2.5-coder',
      fim: {
        prefix: '<|fim_prefix|>',
        suffix: '<|fim_suffix|>',
        middle: '<|fim_middle|>',
        stop: tokens.toSorted((a, b) => stopOrder.indexOf(a) - stopOrder.indexOf(b)),
      },
      repositoryToken: '<|repo_name|>',
      fileToken: '<|file_sep|>',
    });
  });

  it('tells Granite from Qwen by its repository tokens', () => {
    const tokens = [
      '<|end_of_text|>',
      '<|fim_prefix|>',
      '<|fim_middle|>',
      '<|fim_suffix|>',
      '<|filename|>',
      '<|reponame|>',
    ];
    expect(promptFormatOf(gguf(tokens))).toMatchObject({
      family: 'granite',
      repositoryToken: '<|reponame|>',
      fileToken: '<|filename|>',
    });
  });

  it.each([
    ['starcoder2', ['<fim_prefix>', '<fim_middle>', '<fim_suffix>', '<repo_name>', '<file_sep>'], '<fim_prefix>'],
    ['starcoder', ['<fim_prefix>', '<fim_middle>', '<fim_suffix>', '<reponame>', '<filename>'], '<fim_prefix>'],
    ['codellama', ['▁<PRE>', '▁<SUF>', '▁<MID>', '▁<EOT>'], '▁<PRE>'],
    ['deepseek-coder', ['<｜fim▁begin｜>', '<｜fim▁hole｜>', '<｜fim▁end｜>'], '<｜fim▁begin｜>'],
    ['codegemma', ['<|fim_prefix|>', '<|fim_middle|>', '<|fim_suffix|>', '<|file_separator|>'], '<|fim_prefix|>'],
  ])('knows %s', (family, tokens, prefix) => {
    expect(promptFormatOf(gguf(tokens))).toMatchObject({ family, fim: { prefix } });
  });

  it('takes tokens that the metadata names, whatever they are called', () => {
    const format = promptFormatOf(
      gguf(['<before>', '<after>', '<here>'], {
        'tokenizer.ggml.fim_pre_token_id': 0,
        'tokenizer.ggml.fim_suf_token_id': 1,
        'tokenizer.ggml.fim_mid_token_id': 2,
      }),
    );
    expect(format).toEqual({
      family: 'unknown',
      fim: { prefix: '<before>', suffix: '<after>', middle: '<here>', stop: ['<before>', '<after>', '<here>'] },
    });
  });

  it('ignores ids that name no control token', () => {
    const named = {
      'tokenizer.ggml.fim_pre_token_id': 7,
      'tokenizer.ggml.fim_suf_token_id': 8,
      'tokenizer.ggml.fim_mid_token_id': 9,
    };
    expect(promptFormatOf(gguf([], named))).toEqual({ family: 'plain' });
  });

  it('gives SmolLM2 no fill-in-the-middle, but its file tokens', () => {
    expect(promptFormatOf(gguf(['<|endoftext|>', '<repo_name>', '<reponame>', '<file_sep>', '<filename>']))).toEqual({
      family: 'plain',
      repositoryToken: '<repo_name>',
      fileToken: '<file_sep>',
    });
  });

  it('does not ask a model that wants the suffix first in the other order', () => {
    const format = promptFormatOf(
      gguf(['<fim_prefix>', '<fim_middle>', '<fim_suffix>'], { 'general.name': 'Mellum 4b Base' }),
    );
    expect(format.fim).toBeUndefined();
  });

  it('needs all three tokens', () => {
    expect(promptFormatOf(gguf(['<fim_prefix>', '<fim_suffix>'])).fim).toBeUndefined();
  });
});

const stopOrder = [
  '<|endoftext|>',
  '<|fim_prefix|>',
  '<|fim_suffix|>',
  '<|fim_middle|>',
  '<|fim_pad|>',
  '<|repo_name|>',
  '<|file_sep|>',
];

describe('unsupportedReason', () => {
  it.each([
    ['an image encoder', gguf([], { 'general.architecture': 'clip' }), 'clip'],
    ['a speech model', gguf([], { 'general.architecture': 'whisper' }), 'whisper'],
    ['an adapter', gguf([], { 'general.architecture': 'llama', 'general.type': 'adapter' }), 'adapter'],
    ['a part of a split model', gguf([], { 'general.architecture': 'llama', 'split.count': 3 }), 'llama-gguf-split'],
    ['a vocabulary alone', { ...gguf([]), weightsBytes: 0 }, 'no weights'],
    ['a file without architecture', { ...gguf([]), architecture: '' }, 'no architecture'],
  ])('refuses %s', (_, file, words) => {
    expect(unsupportedReason(file)).toContain(words);
  });

  it('leaves language models to llama.cpp', () => {
    expect(unsupportedReason(gguf([], { 'general.architecture': 'an-architecture-of-next-year' }))).toBeUndefined();
  });
});
