import { expect, test } from 'vitest';
import { heal } from './heal.ts';

test.each([
  ['a half-typed word goes back with its blank', 'const x = func', 'const x =', ' func'],
  ['indentation goes back to the end of the line above', 'if (a) {\n    ', 'if (a) {', '\n    '],
  ['of the indentation before a word, the last blank goes back', 'if (a) {\n    retu', 'if (a) {\n   ', ' retu'],
  ['a tab before a word goes back', 'if (a) {\n\t\tretu', 'if (a) {\n\t', '\tretu'],
  ['a word at the left margin goes back alone', 'a;\nretu', 'a;\n', 'retu'],
  ['punctuation goes back, since quotes and brackets join', 'call(', 'call', '('],
  ['a blank after punctuation goes back alone', 'x = ', 'x =', ' '],
  ['a number goes back', 'x = 12', 'x =', ' 12'],
  ['an emoji is punctuation to a tokenizer', 'say("😀', 'say', '("😀'],
  ['a combining character stays with its letter', 'cafe\u0301', '', 'cafe\u0301'],
  ['nothing typed, nothing healed', '', '', ''],
  ['CRLF goes back whole', 'a;\r\n\t', 'a;', '\r\n\t'],
])('%s', (_, prefix, prompt, required) => {
  expect(heal(prefix)).toEqual({ prompt, required });
});

test('a long rule of dashes is left alone', () => {
  const prefix = `// ${'-'.repeat(120)}`;
  expect(heal(prefix)).toEqual({ prompt: prefix, required: '' });
});
