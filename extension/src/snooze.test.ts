import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createSnooze } from './snooze.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('ends by itself and says so', () => {
  const changed = vi.fn();
  const snooze = createSnooze(changed);
  snooze.start(5);
  expect(snooze.until()).toBe(Date.now() + 300_000);
  vi.advanceTimersByTime(299_999);
  expect(snooze.until()).toBeDefined();
  vi.advanceTimersByTime(1);
  expect(snooze.until()).toBeUndefined();
  expect(changed).toHaveBeenCalledTimes(2);
});

it('lasts until it is resumed when it lasts until the restart', () => {
  const snooze = createSnooze(() => undefined);
  snooze.start('restart');
  vi.advanceTimersByTime(1_000_000_000);
  expect(snooze.until()).toBe('restart');
  snooze.resume();
  expect(snooze.until()).toBeUndefined();
});

it('a second snooze replaces the first', () => {
  const snooze = createSnooze(() => undefined);
  snooze.start(5);
  snooze.start(60);
  vi.advanceTimersByTime(5 * 60_000);
  expect(snooze.until()).toBeDefined();
});
