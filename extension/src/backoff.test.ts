import { expect, it } from 'vitest';
import { afterFailure, type Backoff, delayMs, fresh, shouldTell } from './backoff.ts';

function failTimes(times: number, from: Backoff = fresh): Backoff {
  return times === 0 ? from : failTimes(times - 1, afterFailure(from, 10));
}

it('waits longer after each failure, up to ten seconds', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 50].map((times) => delayMs(failTimes(times)))).toEqual([
    200, 500, 1000, 2000, 5000, 10_000, 10_000, 10_000,
  ]);
});

it('is silent about three failures and speaks at the fourth', () => {
  expect([1, 2, 3, 4].map((times) => shouldTell(failTimes(times)))).toEqual([false, false, false, true]);
});

it('starts again at the shortest wait after a healthy minute', () => {
  const after = afterFailure(failTimes(6), 60_000);
  expect(delayMs(after)).toBe(200);
  expect(shouldTell(after)).toBe(false);
});
