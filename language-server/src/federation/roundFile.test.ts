import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { roundFilePath } from '#protocol/federation/roundDefaults.ts';
import { wantedRound } from './roundFile.ts';

const { signal } = new AbortController();

it('a repository’s round settings are read where it has some', async () => {
  const repository = await mkdtemp(join(tmpdir(), 'argot-round-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(repository, { recursive: true, force: true }));
  const wanted = () =>
    wantedRound(
      repository,
      {
        base: 'ab'.repeat(32),
        adapter: { rank: 8, alpha: 16, targets: ['q'], matrices: 'b', seed: 1 },
        ...{ length: 1000, members: 3, context: 512 },
        minimums: { minimumCohort: 3, privacyMechanisms: ['none'] },
      },
      signal,
    );
  const write = (text: string) => writeFile(join(repository, roundFilePath), text);
  expect(await wanted()).toMatchObject({ ok: true, hasFile: false, settings: { training: { steps: 24 } } });
  await mkdir(join(repository, '.argot'));
  await write('{"training": {"steps": 7}}');
  expect(await wanted()).toMatchObject({ ok: true, hasFile: true, settings: { training: { steps: 7 } } });
  const cases = [
    ['{"training": {"steps": -7}}', '.argot/round.json: “training.steps” must be a whole number from 1 to 1000000.'],
    ['{"training": {"sequence": 513}}', '.argot/round.json: “training.sequence” must be at most 512, which'],
    [' '.repeat(100_000), 'round.json is too large.'],
  ] as const;
  for (const [text, message] of cases) {
    await write(text);
    expect(await wanted()).toEqual({ ok: false, message: expect.stringContaining(message) });
  }
  await rm(join(repository, roundFilePath));
  await mkdir(join(repository, roundFilePath));
  expect(await wanted()).toEqual({ ok: false, message: expect.stringMatching(/round\.json cannot be read: /) });
});
