import { expect, it } from 'vitest';
import { agreeingWords, placesOf } from './developer.ts';

it.each([
  ['return foo(bar)', 'return foo(baz)', ['return', ' foo', '(']],
  ['constant = 1', 'const a = 1', []],
  ['const', 'constant = 1', []],
  ['', 'x', []],
  ['if (a) {', 'if (a) {', ['if', ' (', 'a', ')', ' {']],
])('takes the whole words of “%s” that “%s” begins with', (offer, rest, words) => {
  expect(agreeingWords(offer, rest)).toEqual(words);
});

it('goes from place to place in an order of chance, and comes to each line once', () => {
  const file = (path: string, lines: number) => ({
    ...{ author: 'a', package: 'p', published: '2020-01-01', path },
    text: Array.from({ length: lines }, (_, i) => `line${i}()\n`).join(''),
  });
  const places = placesOf([file('long.js', 45), file('short.js', 3), file('other.js', 40)]);
  const byPlace = places.map(({ file: { path }, from, to }) => `${path} ${from} ${to}`);
  expect(byPlace.toSorted()).toEqual([
    'long.js 0 20',
    'long.js 20 40',
    'long.js 40 45',
    'other.js 0 20',
    'other.js 20 40',
    'short.js 0 3',
  ]);
  expect(byPlace).not.toEqual(byPlace.toSorted());
});
