import { expect, it } from 'vitest';
import { namesIn, piecesIn, piecesOf } from './leaks.ts';

const code = Array.from({ length: 4000 }, (_, i) => `const value${i} = compute(${i * 7}) + ${i % 13};\n`).join('');

it('takes as many distinct pieces as asked for, from all over', () => {
  const pieces = piecesOf([code, code.toUpperCase()], 10_000);
  expect(pieces.size).toBe(10_000);
  expect([...pieces].some((piece) => piece === piece.toUpperCase())).toBe(true);
});

it('finds a single piece in a sea of bytes, and none where there is none', () => {
  const pieces = piecesOf([code], 1000);
  const bytes = new Uint8Array(100_000).map((_, i) => (i * 2_654_435_761) >>> 24);
  expect(piecesIn(bytes, pieces)).toEqual([]);
  const [first = ''] = pieces;
  bytes.set(Buffer.from(first), 54_321);
  expect(piecesIn(bytes, pieces)).toEqual([first]);
});

it('finds names', () => {
  expect(namesIn(new Uint8Array(Buffer.from('xx/src/secret-plans.ts yy')), ['secret-plans', 'other'])).toEqual([
    'secret-plans',
  ]);
});
