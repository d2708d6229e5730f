import { expect, test } from 'vitest';
import { knownLanguages, languageOf, lineCommentOf } from './languages.ts';

test('brackets come in pairs and strings have ends in every language', () => {
  for (const id of knownLanguages) {
    const language = languageOf(id);
    expect(language.brackets.length % 2, id).toBe(0);
    for (const string of language.strings) expect(string.open !== '' && string.close !== '', id).toBe(true);
    if (language.blocks === 'end' || language.blocks === 'indent') expect(language.words, id).toBeDefined();
  }
});

test('an unknown language calls for no block and has no brackets to balance', () => {
  expect(languageOf('brainfudge')).toMatchObject({ blocks: 'none', braceBlocks: false, brackets: '' });
  expect(languageOf('constructor')).toBe(languageOf('brainfudge'));
});

test('line comments', () => {
  expect(['python', 'lua', 'rust', 'css', 'markdown'].map(lineCommentOf)).toEqual([
    '#',
    '--',
    '//',
    undefined,
    undefined,
  ]);
});
