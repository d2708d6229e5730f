import { expect, test } from 'vitest';
import { buildPrompt, type PromptInput, renderPrompt } from './prompt.ts';

const qwen = {
  family: 'qwen2.5-coder',
  fim: { prefix: '<|fim_prefix|>', suffix: '<|fim_suffix|>', middle: '<|fim_middle|>', stop: [] },
  repositoryToken: '<|repo_name|>',
  fileToken: '<|file_sep|>',
};
const input: PromptInput = {
  format: { family: 'plain' },
  path: 'src/a.js',
  repository: 'shop',
  lineComment: '//',
  snippets: [],
  before: 'const total = su',
  after: ';\n',
};

test('a model without special tokens reads the path in a comment', () => {
  const prompt = buildPrompt(input);
  expect(renderPrompt(prompt)).toBe('// src/a.js\nconst total =');
  expect(prompt.required).toBe(' su');
});

test('other files come before the file itself', () => {
  const prompt = buildPrompt({ ...input, snippets: [{ path: 'src/b.js', text: 'export const sum = 0' }] });
  expect(renderPrompt(prompt)).toBe('// src/b.js\nexport const sum = 0\n// src/a.js\nconst total =');
});

test('a fill-in-the-middle model reads both sides, in its own tokens', () => {
  const prompt = buildPrompt({ ...input, format: qwen });
  expect(renderPrompt(prompt)).toBe(
    '<|repo_name|>shop\n<|file_sep|>src/a.js\n<|fim_prefix|>const total =<|fim_suffix|>;\n<|fim_middle|>',
  );
  expect(prompt.parts.filter((part) => part.kind === 'special')).toHaveLength(5);
});

test('a special token in the code is text', () => {
  const prompt = buildPrompt({ ...input, before: 'const s = "<|fim_middle|>" + a', format: qwen });
  expect(prompt.parts.find((part) => part.text.startsWith('const s'))?.kind).toBe('text');
});

test('CRLF becomes a newline', () => {
  expect(renderPrompt(buildPrompt({ ...input, before: 'a;\r\nb = c' }))).toBe('// src/a.js\na;\nb =');
});
