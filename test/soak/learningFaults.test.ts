import { expect, test } from 'vitest';
import { openBench } from '../../native/tests/lib.ts';
import { killLearning } from '../lib/killLearning.ts';
import { killServer } from '../lib/killServer.ts';
import { modelPath } from '../processes/setup.ts';

const opened = await openBench();
if ('missing' in opened) console.warn(opened.missing);

test.skipIf('missing' in opened)(
  'two hundred kills of the process and its trainer at random moments',
  async () => {
    if ('missing' in opened) throw new Error(opened.missing);
    await using bench = opened;
    const report = await killLearning(bench.host, await bench.model('llama'), 200, Date.now() % 1000);
    console.info(JSON.stringify(report));
    expect(report.violations).toEqual([]);
    expect(report.withActive).toBeGreaterThan(10);
  },
  20 * 60_000,
);

test.skipIf('missing' in opened)(
  'the language server, killed forty times while it learns by itself',
  async () => {
    const report = await killServer(modelPath(), 40, Date.now() % 1000);
    console.info(JSON.stringify(report));
    expect(report.violations).toEqual([]);
    expect(report.whileTraining).toBeGreaterThan(5);
    expect(report.withActive).toBeGreaterThan(5);
  },
  30 * 60_000,
);
