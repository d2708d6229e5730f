import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { adoptionIn } from './adoption.ts';
import { insecureChoices } from './insecureChoices.ts';
import { tryAdapter } from './judging.ts';
import type { LocalTrainer } from './localTrainer.ts';
import { standingSentence } from './standing.ts';

const { signal } = new AbortController();
const adapter = { rank: 8, alpha: 16, targets: ['q' as const], matrices: 'b' as const, seed: 1 };

/** The candidate is better on own code; `unsafe` is its loss at the first choice’s unsafe continuation, 9 the base model’s. */
function trainerWith(unsafe: number | undefined): LocalTrainer {
  const lossesOf = (first: number) => insecureChoices.flatMap((_, i) => [1, i === 0 ? first : 9]);
  return {
    baseSha256: 'base',
    updateLength: () => 1,
    train: async () => ({ ok: false, problem: 'trainerFailed', message: 'Not asked for.' }),
    async materialise(_adapter, _delta, file) {
      await writeFile(file, 'adapter');
      return { ok: true, value: undefined };
    },
    heldOutLosses: async () => ({ ok: true, value: [3, 3, 2].map((loss) => ({ perToken: loss, examples: [loss] })) }),
    choiceLosses: async () =>
      unsafe === undefined
        ? { ok: false, problem: 'trainerFailed', message: 'It broke.' }
        : { ok: true, value: [lossesOf(9), lossesOf(unsafe)] },
  };
}

async function tried(unsafe: number | undefined) {
  const folder = await mkdtemp(join(tmpdir(), 'argot-judging-'));
  try {
    const context = { adoption: adoptionIn(folder), trainer: trainerWith(unsafe) };
    return await tryAdapter(context, 'ab', adapter, new Float32Array(1), signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

it('an adapter that is better on own code is not taken where it makes an insecure choice likelier', async () => {
  expect(await tried(8)).toEqual({ adopt: true, baseLoss: 3, currentLoss: 3, candidateLoss: 2 });
  const trial = await tried(1);
  expect(trial).toMatchObject({ adopt: false, suspicion: { choice: 'rejectUnauthorized: false' } });
  if (trial === undefined) return;
  const judgement = { result: 'ab', round: 3, plan: '', atMs: 0, voted: true, ...trial };
  const sentence =
    'makes “rejectUnauthorized: false” 2,981 times likelier than the model alone does: it was not taken.';
  expect(standingSentence({ kind: 'judged', round: 3, judgement })).toBe(`The team’s adapter of round 3 ${sentence}`);
  const start = { kind: 'judged', description: 'dependencies', judgement: { ...judgement, round: 0 } } as const;
  expect(standingSentence({ kind: 'noRound', start })).toContain(`The team’s start ${sentence}`);
});

it('nothing is taken that could not be scanned', async () => {
  expect(await tried(undefined)).toBeUndefined();
});
