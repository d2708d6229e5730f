import type { FimTokens, PromptFormat } from './engine.ts';
import type { GgufFile } from './gguf.ts';

/** The control tokens that a family of models was trained with; a vocabulary may lack the optional ones. */
interface Family {
  readonly name: string;
  readonly prefix: string;
  readonly suffix: string;
  readonly middle: string;
  readonly pad?: string;
  readonly repository?: string;
  readonly file?: string;
}

/**
 * Families whose prompt is prefix, suffix, middle. Models that want the suffix first (Codestral, Mellum, Seed-Coder)
 * are left out: asked in this order they answer with noise, while a plain prefix serves them well.
 */
const families: readonly Family[] = [
  {
    name: 'qwen2.5-coder',
    prefix: '<|fim_prefix|>',
    suffix: '<|fim_suffix|>',
    middle: '<|fim_middle|>',
    pad: '<|fim_pad|>',
    repository: '<|repo_name|>',
    file: '<|file_sep|>',
  },
  {
    name: 'granite',
    prefix: '<|fim_prefix|>',
    suffix: '<|fim_suffix|>',
    middle: '<|fim_middle|>',
    pad: '<|fim_pad|>',
    repository: '<|reponame|>',
    file: '<|filename|>',
  },
  {
    name: 'codegemma',
    prefix: '<|fim_prefix|>',
    suffix: '<|fim_suffix|>',
    middle: '<|fim_middle|>',
    file: '<|file_separator|>',
  },
  {
    name: 'starcoder2',
    prefix: '<fim_prefix>',
    suffix: '<fim_suffix>',
    middle: '<fim_middle>',
    pad: '<fim_pad>',
    repository: '<repo_name>',
    file: '<file_sep>',
  },
  {
    name: 'starcoder',
    prefix: '<fim_prefix>',
    suffix: '<fim_suffix>',
    middle: '<fim_middle>',
    pad: '<fim_pad>',
    repository: '<reponame>',
    file: '<filename>',
  },
  { name: 'codellama', prefix: '▁<PRE>', suffix: '▁<SUF>', middle: '▁<MID>', pad: '▁<EOT>' },
  { name: 'deepseek-coder', prefix: '<｜fim▁begin｜>', suffix: '<｜fim▁hole｜>', middle: '<｜fim▁end｜>' },
];

const endsOfText = [
  '<|endoftext|>',
  '<|end_of_text|>',
  '<EOT>',
  '<eos>',
  '</s>',
  '<｜end▁of▁sentence｜>',
  '<|im_end|>',
];

/** Names of models that share a listed family's tokens but want the suffix first. */
const suffixFirst = /mellum|codestral|seed-?coder/i;

/**
 * How to ask this model for a completion, from its own vocabulary. What it lacks is absent: without the three tokens of
 * fill-in-the-middle the prompt is the prefix alone.
 */
export function promptFormatOf(gguf: GgufFile): PromptFormat {
  const vocabulary = new Set(gguf.markers.values());
  const wantsSuffixFirst = suffixFirst.test(String(gguf.metadata.get('general.name') ?? ''));
  const family = wantsSuffixFirst ? undefined : bestFamily(vocabulary);
  const named = wantsSuffixFirst ? undefined : namedTokens(gguf);
  const present = (text: string | undefined) => (text !== undefined && vocabulary.has(text) ? text : undefined);
  const repository = family ? present(family.repository) : plainRepositoryToken(vocabulary);
  const file = family ? present(family.file) : plainFileToken(vocabulary);
  const fim = named ?? (family && { prefix: family.prefix, suffix: family.suffix, middle: family.middle });
  return {
    family: family?.name ?? (fim ? 'unknown' : 'plain'),
    ...(fim && { fim: { ...fim, stop: stopTokens(fim, vocabulary, [family?.pad, repository, file]) } }),
    ...(repository && { repositoryToken: repository }),
    ...(file && { fileToken: file }),
  };
}

/** Of the families whose three tokens are all there, the one whose repository and file tokens are, too. */
function bestFamily(vocabulary: ReadonlySet<string>): Family | undefined {
  const score = (family: Family) =>
    [family.repository, family.file].filter((token) => token !== undefined && vocabulary.has(token)).length;
  return families
    .filter((family) => [family.prefix, family.suffix, family.middle].every((token) => vocabulary.has(token)))
    .toSorted((a, b) => score(b) - score(a))[0];
}

/** The tokens that the file's metadata names by id, where all three are there and are control tokens. */
function namedTokens(gguf: GgufFile): Omit<FimTokens, 'stop'> | undefined {
  const token = (...keys: string[]) => {
    const id = keys.map((key) => gguf.metadata.get(`tokenizer.ggml.${key}`)).find((value) => value !== undefined);
    return typeof id === 'number' ? gguf.markers.get(id) : undefined;
  };
  const prefix = token('fim_pre_token_id', 'prefix_token_id');
  const suffix = token('fim_suf_token_id', 'suffix_token_id');
  const middle = token('fim_mid_token_id', 'middle_token_id');
  return prefix && suffix && middle ? { prefix, suffix, middle } : undefined;
}

function plainRepositoryToken(vocabulary: ReadonlySet<string>): string | undefined {
  return ['<repo_name>', '<|repo_name|>', '<|reponame|>'].find((token) => vocabulary.has(token));
}

function plainFileToken(vocabulary: ReadonlySet<string>): string | undefined {
  return ['<file_sep>', '<|file_sep|>', '<|filename|>'].find((token) => vocabulary.has(token));
}

function stopTokens(
  fim: Omit<FimTokens, 'stop'>,
  vocabulary: ReadonlySet<string>,
  more: readonly (string | undefined)[],
): readonly string[] {
  const all = [...endsOfText, fim.prefix, fim.suffix, fim.middle, ...more];
  return [...new Set(all.filter((token) => token !== undefined))].filter((token) => vocabulary.has(token));
}

/** Architectures of llama.cpp that don't write text. */
const notText = new Set(
  (
    'clip whisper bert modern-bert neo-bert nomic-bert nomic-bert-moe jina-bert-v2 jina-bert-v3 eurobert gemma-embedding ' +
    't5encoder wavtokenizer-dec cogvlm dream llada llada-moe rnd1 sd1 sd2 sd3 sdxl flux stable-diffusion'
  ).split(' '),
);

const kinds: Readonly<Record<string, string>> = {
  adapter: 'an adapter, which changes another model',
  imatrix: 'an importance matrix for quantising',
  mmproj: 'the image part of another model',
  vocab: 'a vocabulary without weights',
};

/** Why this file plainly can't complete code, in a sentence; undefined leaves the judgement to llama.cpp. */
export function unsupportedReason(gguf: GgufFile): string | undefined {
  const kind = kinds[String(gguf.metadata.get('general.type') ?? '')];
  if (kind) return `${gguf.path} is ${kind}. Choose the file of a language model.`;
  if (!gguf.architecture) return `${gguf.path} names no architecture. Choose the file of a language model.`;
  if (notText.has(gguf.architecture)) {
    return `${gguf.path} is a model of the kind “${gguf.architecture}”, which writes no text. Choose a code model.`;
  }
  if (Number(gguf.metadata.get('split.count') ?? 0) > 1) {
    return `${gguf.path} is one part of a split model. Join the parts with llama.cpp's llama-gguf-split --merge first.`;
  }
  if (gguf.weightsBytes === 0 || gguf.vocabularySize === 0) {
    return `${gguf.path} has no ${gguf.weightsBytes === 0 ? 'weights' : 'vocabulary'}. Choose the file of a language model.`;
  }
  return undefined;
}
