import { expect, test } from 'vitest';
import { debounceMs, stillFits } from './trigger.ts';

test('the first keystroke after a pause is answered at once', () => {
  expect(debounceMs({ gapsMs: [900, 120, 2000], firstTokenMs: 150 })).toBe(0);
});

test('a burst faster than the model’s first token waits a little', () => {
  const wait = debounceMs({ gapsMs: [60, 70, 65, 60], firstTokenMs: 200 });
  expect(wait).toBeGreaterThan(0);
  expect(wait).toBeLessThanOrEqual(120);
});

test('the same burst on a fast machine does not wait', () => {
  expect(debounceMs({ gapsMs: [100, 110, 105, 100], firstTokenMs: 60 })).toBe(0);
});

test('nothing measured yet, nothing waited', () => {
  expect(debounceMs({ gapsMs: [60, 60, 60, 60], firstTokenMs: undefined })).toBe(0);
});

test.each([
  ['foo(bar)', 'foo', true],
  ['fo', 'foo', true],
  ['', 'x', true],
  ['foo', 'fa', false],
])('%j with %j typed: %s', (generated, typed, fits) => {
  expect(stillFits(generated, typed)).toBe(fits);
});
