import { expect, it } from 'vitest';
import { editDistance, pairedGain, score } from './completions.ts';

it('measures edit distance, similarity, exact match and kept characters', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('', 'abc')).toBe(3);
  expect(score('return a', 'return ab')).toEqual({ exact: false, similarity: 1 - 1 / 9, kept: 8 });
  expect(score('x', 'x')).toEqual({ exact: true, similarity: 1, kept: 1 });
  expect(score('', 'abcd')).toEqual({ exact: false, similarity: 0, kept: 0 });
});

it('gives the mean difference of pairs with an interval around it', () => {
  const before = Array.from({ length: 50 }, (_, i) => i % 5);
  const { gain, ci } = pairedGain(
    before,
    before.map((value, i) => value + (i % 2)),
  );
  expect(gain).toBe(0.5);
  expect(ci[0]).toBeGreaterThan(0.3);
  expect(ci[1]).toBeLessThan(0.7);
});
