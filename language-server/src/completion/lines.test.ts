import { expect, test } from 'vitest';
import {
  isCharacterBoundary,
  lineAfter,
  lineBefore,
  linesAbove,
  linesBelow,
  widthOf,
  withoutUnfinishedCharacter,
} from './lines.ts';

test('the cursor’s line, on both sides, with any line end', () => {
  expect(lineBefore('a\r\n  b')).toBe('  b');
  expect(lineBefore('a\r  b')).toBe('  b');
  expect(lineBefore('')).toBe('');
  expect(lineAfter(')  \r\nb')).toBe(')');
  expect(lineAfter('')).toBe('');
});

test('lines with content above and below, without the cursor’s own', () => {
  expect(linesAbove('a\n\n b\n\ncur', 2)).toEqual(['a', ' b']);
  expect(linesBelow('rest\n\n  a \r\nb\n', 2)).toEqual(['  a', 'b']);
  expect(linesBelow('rest', 2)).toEqual([]);
});

test('a tab goes to the next multiple of four', () => {
  expect(['', '  ', '\t', '  \t', '\t '].map(widthOf)).toEqual([0, 2, 4, 4, 5]);
});

test.each([
  ['a surrogate pair', '😀', 1, false],
  ['a letter and its accent', 'e\u0301', 1, false],
  ['before a joiner', '👩\u200d💻', 2, false],
  ['after a joiner', '👩\u200d💻', 3, false],
  ['a skin tone', '👋🏽', 2, false],
  ['two letters', 'ab', 1, true],
  ['the ends', 'ab', 2, true],
])('a character boundary in %s', (_, text, at, expected) => {
  expect(isCharacterBoundary(text, at)).toBe(expected);
});

test('what more tokens may complete is not text yet', () => {
  expect(withoutUnfinishedCharacter('a\uFFFD\uFFFD')).toBe('a');
  expect(withoutUnfinishedCharacter('a\uD83D')).toBe('a');
  expect(withoutUnfinishedCharacter('\uFFFDa😀')).toBe('\uFFFDa😀');
});
