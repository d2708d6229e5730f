import { expect, it } from 'vitest';
import { agreeingWords } from './developer.ts';

it.each([
  ['return foo(bar)', 'return foo(baz)', ['return', ' foo', '(']],
  ['constant = 1', 'const a = 1', []],
  ['const', 'constant = 1', []],
  ['', 'x', []],
  ['if (a) {', 'if (a) {', ['if', ' (', 'a', ')', ' {']],
])('takes the whole words of “%s” that “%s” begins with', (offer, rest, words) => {
  expect(agreeingWords(offer, rest)).toEqual(words);
});
