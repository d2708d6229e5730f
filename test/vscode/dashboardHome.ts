import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { leftSchema } from '#protocol/ledger.ts';
import { spendSchema } from '#protocol/privacy/spendLedger.ts';
import { adapterCardSchema } from '../../language-server/src/learning/adapterCard.ts';
import { writeChecked } from '../../language-server/src/learning/checkedFile.ts';
import { chainFile } from '../../language-server/src/ledger/chainFile.ts';
import type { LeftEntry } from '../../language-server/src/network/leftLedger.ts';

const dayMs = 24 * 3600 * 1000;
const days = 14;

/** Puts two weeks of made-up figures into an ARGOT_HOME, by the product's own files: 1,120 shown, 364 accepted. */
export async function dashboardHome(home: string): Promise<void> {
  const dates = Array.from({ length: days }, (_, i) => new Date(Date.now() - (days - i) * dayMs));
  await writeFile(join(home, 'tally.json'), JSON.stringify({ days: Object.fromEntries(dates.map(tallyOf)) }));
  await writeLeft(home, dates);
  await writeSpends(home, dates);
  await writeAdapters(home, dates);
}

export function dayName(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Every fourteen days 80 · 14 shown; accepted rises from 19 to 33. */
function tallyOf(date: Date, i: number) {
  const latency = Array.from({ length: 60 }, () => 0);
  for (const [bucket, count] of [
    [6, 20],
    [20, 30 + i],
    [25, 20 - i],
    [28, 3],
  ] as const)
    latency[bucket] = count;
  const shown = 80 + (i % 2 === 0 ? 12 : -12);
  const accepted = 20 + (i % 7) * 2;
  return [dayName(date), { shown, accepted, undone: i % 3, latency }] as const;
}

async function writeLeft(home: string, dates: readonly Date[]): Promise<void> {
  let now = 0;
  const path = join(home, 'ledger', 'left.jsonl');
  const file = chainFile({ path, schema: leftSchema, name: 'The ledger of what left', now: () => now });
  const add = (entry: LeftEntry) => file.append((link) => ({ ...link, ...entry }));
  const model = { purpose: 'modelDownload', about: 'asks for the model file SmolLM2-135M-Instruct.Q4_1.gguf' } as const;
  const round = {
    purpose: 'federation',
    to: 'https://argot.example.org',
    method: 'PUT',
    path: '/v1/f/garden/blobs',
  } as const;
  for (const [i, date] of dates.entries()) {
    now = date.getTime();
    if (i === 0)
      await add({
        kind: 'request',
        to: 'https://hub.example.org',
        method: 'GET',
        path: '/model',
        bytes: 214,
        ...model,
      });
    if (i % 3 !== 2) continue;
    await add({
      kind: 'request',
      ...round,
      bytes: 1_244_732 + i,
      about: `the masked update of round ${1 + (i - 2) / 3} for team Garden`,
    });
  }
}

async function writeSpends(home: string, dates: readonly Date[]): Promise<void> {
  let now = 0;
  const path = join(home, 'ledger', 'privacy.jsonl');
  const file = chainFile({ path, schema: spendSchema, name: 'The privacy ledger', now: () => now });
  const release = { mechanism: { kind: 'gaussian', noiseMultiplier: 3.2, samplingRate: 1 }, steps: 1 } as const;
  for (const [i, date] of dates.entries()) {
    if (i % 3 !== 2) continue;
    now = date.getTime();
    await file.append((link) => ({
      ...link,
      unit: 'member',
      purpose: `round ${1 + (i - 2) / 3} of team Garden`,
      release,
    }));
  }
}

async function writeAdapters(home: string, dates: readonly Date[]): Promise<void> {
  const folder = join(home, 'adapters');
  await mkdir(folder, { recursive: true });
  for (const [i, date] of dates.entries()) {
    if (i % 4 !== 1) continue;
    const gain = 0.02 + i * 0.004;
    const id = `personal-${i}`;
    await writeFile(join(folder, `${id}.gguf`), '');
    await writeChecked(
      join(folder, `${id}.json`),
      adapterCardSchema.parse({
        ...{ format: 1, id, kind: 'personal', origin: 'trained', createdAtMs: date.getTime(), sha256: '0'.repeat(64) },
        ...{ sizeBytes: 0, base: { sha256: '1'.repeat(64), name: 'SmolLM2 135M' }, rank: 8, targets: ['q', 'v'] },
        ...{ parents: [], exampleIds: [], counts: { examples: 60 + i * 20, tokens: 9000 + i * 3000 } },
        gate: {
          ...{
            verdict: 'better',
            decidedAtMs: date.getTime(),
            heldOutExamples: 40,
            heldOutTokens: 5000,
            probeTokens: 2000,
          },
          ...{
            baseLoss: 2,
            currentLoss: 2,
            candidateLoss: 2 - 2 * gain,
            gain,
            gainLow: gain - 0.012,
            forgetting: 0.001,
          },
          scales: { team: 0, personal: 1 },
        },
      }),
    );
  }
}
