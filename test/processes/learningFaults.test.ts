import { expect, test } from 'vitest';
import { openBench } from '../../native/tests/lib.ts';
import { killLearning } from '../lib/killLearning.ts';

const opened = await openBench();
if ('missing' in opened) console.warn(opened.missing);

test.skipIf('missing' in opened)(
  'whenever the process or its trainer is killed, no adapter is active that the gate did not pass',
  async () => {
    if ('missing' in opened) throw new Error(opened.missing);
    await using bench = opened;
    const report = await killLearning(bench.host, await bench.model('llama'), 15, 7);
    expect(report.violations).toEqual([]);
    expect(report.trainerKills).toBeGreaterThan(0);
    // Otherwise nothing was at stake.
    expect(report.promoted).toBeGreaterThan(0);
    expect(report.withActive).toBeGreaterThan(0);
  },
);
