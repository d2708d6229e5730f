import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDailyTally } from './dailyTally.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-tally-'));
});
afterEach(() => rm(folder, { recursive: true }));

const about = { itemId: '1', uri: 'file:///a', version: 1 };

async function opened(day: string) {
  const path = join(folder, 'deep', 'tally.json');
  return openDailyTally({ path, now: () => new Date(`${day}T12:00:00`), log: () => undefined });
}

it('counts by day, once for a suggestion taken in parts, and keeps the counts', async () => {
  {
    await using tally = await opened('2026-11-24');
    for (let i = 0; i < 4; i++) tally.signal({ kind: 'shown', ...about });
    tally.signal({ kind: 'accepted', ...about, text: 'x' });
    tally.signal({ kind: 'acceptedPart', ...about, unit: 'word', text: 'x', offset: 0 });
    tally.signal({ kind: 'acceptedPart', ...about, unit: 'word', text: 'y', offset: 1 });
    tally.signal({ kind: 'undone', ...about });
    for (let ms = 1; ms <= 100; ms++) tally.answered(ms);
  }
  await using next = await opened('2026-11-25');
  next.signal({ kind: 'shown', ...about });
  const [before, today] = next.days();
  expect(before).toMatchObject({ day: '2026-11-24', shown: 4, accepted: 2, kept: 1 });
  expect(before?.p50Ms).toBeGreaterThanOrEqual(50);
  expect(before?.p50Ms).toBeLessThanOrEqual(60);
  expect(before?.p95Ms).toBeLessThanOrEqual(115);
  expect(today).toEqual({ day: '2026-11-25', shown: 1, accepted: 0, kept: 0, p50Ms: null, p95Ms: null });
});

it('begins anew with a file that makes no sense', async () => {
  await writeFile(join(folder, 'tally.json'), '{"days": 3}');
  await using tally = await openDailyTally({ path: join(folder, 'tally.json'), now: () => new Date(), log: () => {} });
  expect(tally.days()).toEqual([]);
});
