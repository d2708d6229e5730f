import { expect, test } from 'vitest';
import { createRecentEdits } from './recentEdits.ts';

test('the newest edit comes first, and neighbours count once', () => {
  const edits = createRecentEdits(() => 0);
  edits.changed('a', 10, 0);
  edits.changed('b', 3, 0);
  edits.changed('a', 12, 0);
  expect(edits.list().map(({ uri, line }) => [uri, line])).toEqual([
    ['a', 12],
    ['b', 3],
  ]);
});

test('lines added above move an edit down', () => {
  const edits = createRecentEdits(() => 0);
  edits.changed('a', 50, 0);
  edits.changed('a', 2, 5);
  expect(edits.list().map(({ line }) => line)).toEqual([2, 55]);
});

test('a closed document is forgotten', () => {
  const edits = createRecentEdits(() => 0);
  edits.changed('a', 1, 0);
  edits.forget('a');
  expect(edits.list()).toEqual([]);
});
