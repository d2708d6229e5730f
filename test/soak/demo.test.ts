import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { trainerHost } from '../lib/learning.ts';

const run = promisify(execFile);
const demo = fileURLToPath(new URL('../../bench/demo.ts', import.meta.url));

/** The whole demo, with the real model, the real trainer and real authors' code. */
it.skipIf('missing' in trainerHost())('nothing of the members’ code is in what they send', async () => {
  const { stdout } = await run(process.execPath, [demo, '--steps', '2', '--held-out', '256', '--json'], {
    maxBuffer: 1 << 26,
  });
  const { rows, check, coordinator } = JSON.parse(stdout);
  expect(check).toMatchObject({ pieces: 10_000, leakedPieces: 0, leakedNames: [] });
  expect(check.names).toBeGreaterThan(100);
  expect(coordinator.round).toMatchObject({ number: 3, phase: 'published', cohort: 5 });
  // Each sent more than its payloads: the search had something to look through.
  for (const row of rows) expect(row.sentMB).toBeGreaterThan(1);
});
