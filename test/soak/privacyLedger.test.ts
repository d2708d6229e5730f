import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { killSpender } from '../../language-server/src/ledger/testing/killSpender.ts';

it('the privacy ledger, killed at 200 random moments, never holds less than what was released', async () => {
  let released = 0;
  let unreleased = 0;
  // A ledger of its own for each ten, so that reading it does not come to outweigh writing it.
  for (let group = 0; group < 20; group++) {
    const home = await mkdtemp(join(tmpdir(), 'argot-spend-'));
    try {
      for (let run = 0; run < 10; run++) {
        const killed = await killSpender(home, run, randomInt(0, 400) / 10);
        expect(killed.released.filter((purpose) => !killed.spent.has(purpose))).toEqual([]);
        if (run === 9) {
          released += killed.released.length;
          unreleased += killed.spent.size - killed.released.length;
        }
      }
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  }
  console.log(`200 kills: ${released} releases, all on record; ${unreleased} recorded and not released.`);
});
