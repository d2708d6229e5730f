import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PrivacyCaps } from '#protocol/privacy/budget.ts';
import { privacyAccount, type SpendRequest } from './spendLedgerFile.ts';
import { killSpender } from './testing/killSpender.ts';

const caps: PrivacyCaps = { delta: 1e-5, epsilonPerRound: 3, epsilonPerYear: 3, epsilonLifetime: Infinity };
const release = { mechanism: { kind: 'gaussian', noiseMultiplier: 3, samplingRate: 1 }, steps: 1 } as const;

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'argot-spend-'));
});
afterEach(() => rm(home, { recursive: true }));

function request(purpose: string): SpendRequest {
  return { unit: 'member', purpose, release, caps };
}

it('spends until a cap, each purpose once, also when asked at once', async () => {
  const account = privacyAccount(home);
  const outcomes = await Promise.all(['a', 'a', 'b', 'c', 'd', 'e', 'f'].map((each) => account.spend(request(each))));
  expect(outcomes[0]).toMatchObject({ ok: true, spend: { index: 0, purpose: 'a' } });
  expect(outcomes[1]).toEqual({ ok: false, reason: 'alreadySpent' });
  const last = outcomes.at(-1);
  expect(last).toMatchObject({ ok: false, reason: 'cap', budget: { field: 'epsilonPerYear', cap: 3 } });
  const held = await privacyAccount(home).spends();
  expect(held).toHaveLength(outcomes.filter(({ ok }) => ok).length);
});

it('killed at any moment, holds at least what was released', { timeout: 60_000 }, async () => {
  let seed = 1;
  for (let run = 0; run < 12; run++) {
    seed = (seed * 48271) % 2147483647;
    const { spent, released } = await killSpender(home, run, (seed % 400) / 10);
    expect(released.filter((purpose) => !spent.has(purpose))).toEqual([]);
    expect(released.length).toBeGreaterThan(run);
  }
});
