import { expect, it } from 'vitest';
import { targetsOf } from './targets.ts';

/** Two characters a token, so that a cursor can stand inside one. */
const pairs = {
  tokenize: (text: string) =>
    (text.match(/..?/gu) ?? []).map((pair) => pair.charCodeAt(0) * 256 + (pair.charCodeAt(1) || 0)),
  detokenize: (tokens: readonly number[]) =>
    tokens
      .map((token) => String.fromCharCode(token >> 8) + (token % 256 === 0 ? '' : String.fromCharCode(token % 256)))
      .join(''),
};
const about = { id: '', package: '', path: '', kind: 'line', suffix: '' } as const;

it('predicts a target from the token on that the cursor is in or before', () => {
  const between = targetsOf([{ ...about, prefix: 'abcd', target: 'efg' }], pairs);
  expect(between.lines[0]).toMatchObject({ tokens: pairs.tokenize('abcdefg'), labels: [[2, 4, 1]] });
  expect(between.bytes).toBe(3);
  const inside = targetsOf([{ ...about, prefix: 'abc', target: 'defg' }], pairs);
  expect(inside.lines[0]).toMatchObject({ labels: [[1, 4, 1]] });
  expect(inside.bytes).toBe(5);
});

it('gives so many tokens before it', () => {
  const { lines } = targetsOf([{ ...about, prefix: 'ab'.repeat(500), target: 'cd' }], pairs);
  expect(lines[0]?.tokens).toHaveLength(129);
  expect(lines[0]?.labels).toEqual([[128, 129, 1]]);
});
