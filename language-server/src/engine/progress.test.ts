import { expect, it } from 'vitest';
import { type OnProgress, throttled } from './progress.ts';

it('reports at most ten times a second, and never loses the end', () => {
  let now = 0;
  const seen: number[] = [];
  const report: OnProgress = throttled(
    ({ receivedBytes }) => seen.push(receivedBytes),
    () => now,
  );
  for (let receivedBytes = 1; receivedBytes <= 1000; receivedBytes++) {
    now += 1;
    report({ phase: 'downloading', receivedBytes, totalBytes: 1000, source: 'hub' });
  }
  expect(seen.length).toBeLessThanOrEqual(11);
  expect(seen.at(-1)).toBe(1000);
  report({ phase: 'verifying', receivedBytes: 1, totalBytes: 1000, source: 'hub' });
  expect(seen.at(-1)).toBe(1);
});
