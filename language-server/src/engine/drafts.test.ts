import { expect, test } from 'vitest';
import { lookUpDraft } from './drafts.ts';

test('what followed the same tokens before is drafted', () => {
  expect(lookUpDraft([1, 2, 3, 4, 5, 9, 1, 2, 3], 3, 2)).toEqual([4, 5]);
});

test('the most recent occurrence counts', () => {
  expect(lookUpDraft([1, 2, 7, 1, 2, 8, 1, 2], 2, 1)).toEqual([8]);
});

test('a shorter match than asked for gives no draft', () => {
  expect(lookUpDraft([1, 2, 3, 9, 2, 3], 3, 2)).toEqual([]);
});

test('a repetition up to the end drafts no more than there is', () => {
  expect(lookUpDraft([5, 5, 5, 5], 2, 4)).toEqual([5]);
});
