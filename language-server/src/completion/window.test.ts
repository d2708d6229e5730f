import { expect, test } from 'vitest';
import { type WindowInput, windowStart } from './window.ts';

const lines = Array.from({ length: 400 }, (_, i) => (i % 10 === 0 ? `function f${i}() {` : '  body();'));
const at = (cursorLine: number, previousStart: number | undefined, budgetTokens = 100): WindowInput => ({
  previousStart,
  cursorLine,
  lineAt: (line) => lines[line] ?? '',
  budgetTokens,
  countTokens: () => 2,
});

test('a short file is taken from its first line', () => {
  expect(windowStart(at(12, undefined))).toBe(0);
});

test('the window stays while the cursor moves inside it', () => {
  const start = windowStart(at(200, undefined));
  for (let line = 200; line < start + 50; line++) expect(windowStart(at(line, start))).toBe(start);
});

test('a full window moves once, and then stays for many lines', () => {
  const starts = new Set<number>();
  let start: number | undefined;
  for (let line = 100; line < 200; line++) {
    start = windowStart(at(line, start));
    starts.add(start);
  }
  expect(starts.size).toBeLessThanOrEqual(5);
});

test('a new window begins at the left margin when one is near', () => {
  expect(windowStart(at(205, undefined)) % 10).toBe(0);
});

test('a cursor above the window starts a new one', () => {
  expect(windowStart(at(50, 180))).toBeLessThanOrEqual(50);
});

test('one line longer than the budget is still given', () => {
  expect(windowStart({ ...at(5, undefined), countTokens: () => 1000 })).toBe(5);
});
