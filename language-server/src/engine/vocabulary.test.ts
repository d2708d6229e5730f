import { expect, test } from 'vitest';
import { createVocabulary } from './vocabulary.ts';

const vocabulary = createVocabulary([
  [1, 'f'],
  [2, 'fun'],
  [3, 'function'],
  [4, 'functional'],
  [5, 'for'],
  [6, ' fun'],
  [7, '\uFFFD'],
  [8, ''],
]);

test('a half-typed word can be spelled by what it begins with and by what begins with it', () => {
  expect(vocabulary.spelling('func')).toEqual([
    { tokens: [1], left: 3 },
    { tokens: [2], left: 1 },
    { tokens: [3, 4], left: 0 },
  ]);
});

test('a leading blank is part of the token', () => {
  expect(vocabulary.spelling(' fu')).toEqual([{ tokens: [6], left: 0 }]);
});

test('a text that no token spells gives nothing', () => {
  expect(vocabulary.spelling('é')).toEqual([]);
});

test('tokens with a beginning are counted without listing them', () => {
  expect(vocabulary.countBeginning('fun')).toBe(3);
  expect(vocabulary.countBeginning('f')).toBe(5);
  expect(vocabulary.countBeginning('x')).toBe(0);
});
