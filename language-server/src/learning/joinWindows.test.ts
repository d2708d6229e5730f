import { expect, it } from 'vitest';
import { joinWindows } from './joinWindows.ts';

const window = (letters: string, file = 'a.js') => ({
  file,
  text: Array.from(letters, (letter) => (letter === '-' ? '}\n' : `call(${letter}, 1)\n`)).join(''),
});
const joined = (...windows: readonly ReturnType<typeof window>[]) =>
  joinWindows(windows).map(({ text }) => text.replace(/call\(|, 1\)|\n/g, '').replaceAll('}', '-'));

it.each([
  ['one that goes on below', 'abcde', 'cdefg', 'abcdefg'],
  ['one that goes on above', 'cdefg', 'abcde', 'abcdefg'],
  ['one that lies within', 'abcdefg', 'cde', 'abcdefg'],
  ['one that lies around', 'cde', 'abcdefg', 'abcdefg'],
  ['the longest overlap', 'xxxxx', 'xxxxxy', 'xxxxxy'],
])('joins %s', (_, a, b, both) => {
  expect(joined(window(a), window(b))).toEqual([both]);
});

it('keeps apart what overlaps too little or in what is everybody’s, differs there, or stands in another file', () => {
  expect(joined(window('abcde'), window('defgh'))).toEqual(['abcde', 'defgh']);
  expect(joined(window('abcde'), window('bcXef'))).toEqual(['abcde', 'bcXef']);
  expect(joined(window('abc---'), window('---def'))).toEqual(['abc---', '---def']);
  expect(joined(window('abcde'), window('abcde', 'b.js'))).toEqual(['abcde', 'abcde']);
});

it('puts a text where its newest window is, and leaves empty ones out', () => {
  expect(joined(window('abcde'), window('vwxyz'), window(''), window('cdefg'))).toEqual(['vwxyz', 'abcdefg']);
});
