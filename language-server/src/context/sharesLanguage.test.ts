import { expect, test } from 'vitest';
import { sharesLanguage } from './sharesLanguage.ts';

test.each([
  ['lib/a.js', 'lib/b.mjs', true],
  ['a.js', 'types.ts', false],
  ['a.ts', 'b.js', true],
  ['a.tsx', 'b.mts', true],
  ['a.js', 'README.md', false],
  ['a.py', 'b.js', false],
  ['map.cpp', 'map.h', true],
  ['main.go', 'other.go', true],
  ['Makefile', 'sub/Makefile', true],
])('a document %s with lines of %s: %s', (document, path, shares) => {
  expect(sharesLanguage(document, path)).toBe(shares);
});
