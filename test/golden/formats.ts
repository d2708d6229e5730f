import type { PromptFormat } from '../../language-server/src/completion/promptFormat.ts';

/** What the prompt cases call `model:`, with the tokens that its family was trained with. */
export const formats: Readonly<Record<string, PromptFormat>> = {
  qwen: {
    family: 'qwen2.5-coder',
    fim: { prefix: '<|fim_prefix|>', suffix: '<|fim_suffix|>', middle: '<|fim_middle|>', stop: ['<|endoftext|>'] },
    repositoryToken: '<|repo_name|>',
    fileToken: '<|file_sep|>',
  },
  starcoder2: {
    family: 'starcoder2',
    fim: { prefix: '<fim_prefix>', suffix: '<fim_suffix>', middle: '<fim_middle>', stop: ['<|endoftext|>'] },
    repositoryToken: '<repo_name>',
    fileToken: '<file_sep>',
  },
  codegemma: {
    family: 'codegemma',
    fim: { prefix: '<|fim_prefix|>', suffix: '<|fim_suffix|>', middle: '<|fim_middle|>', stop: ['<eos>'] },
    fileToken: '<|file_separator|>',
  },
  deepseek: {
    family: 'deepseek-coder',
    fim: { prefix: '<｜fim▁begin｜>', suffix: '<｜fim▁hole｜>', middle: '<｜fim▁end｜>', stop: [] },
  },
  codellama: { family: 'codellama', fim: { prefix: '▁<PRE>', suffix: '▁<SUF>', middle: '▁<MID>', stop: ['▁<EOT>'] } },
  smollm2: { family: 'plain', repositoryToken: '<repo_name>', fileToken: '<file_sep>' },
  plain: { family: 'plain' },
};
