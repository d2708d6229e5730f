import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { GateReport } from './adapterCard.ts';
import {
  type AdapterBase,
  type AdapterOutcome,
  type AdapterVersions,
  type AddOutcome,
  openAdapterVersions,
} from './adapterVersions.ts';
import { disk } from './testing/failingDisk.ts';
import { better, sampleAdapter, sampleBase } from './testing/sampleAdapter.ts';

vi.mock('node:fs/promises', async (original) => {
  const { failingDisk } = await import('./testing/failingDisk.ts');
  return failingDisk(await original());
});

vi.setConfig({ testTimeout: 30_000 });
let home: string;
let base: AdapterBase;
let made: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'argot-faults-'));
  base = await sampleBase(home);
  made = await sampleAdapter(home, 'made.gguf');
});
afterEach(() => rm(home, { recursive: true, force: true }));

const activeIds = (versions: AdapterVersions): string[] => versions.active('aa').map(({ card }) => card.id);
const ids = (versions: AdapterVersions): string[] =>
  versions
    .list()
    .map(({ card }) => card.id)
    .sort();

/** A day in short; what is refused by the disk is gone on without. `unwanted` was to be removed. */
async function day(versions: AdapterVersions): Promise<{ outcomes: AdapterOutcome[]; unwanted: string }> {
  const outcomes: AdapterOutcome[] = [];
  const done = <O extends AdapterOutcome>(outcome: O): O => {
    outcomes.push(outcome);
    return outcome;
  };
  const idOf = (outcome: AddOutcome): string => (outcome.ok ? outcome.version.card.id : 'none');
  const add = async (gate?: GateReport) =>
    idOf(
      done(
        await versions.add(
          made,
          {
            ...{ kind: 'personal', origin: 'trained', base: { sha256: 'aa', name: 'Sample' }, parents: [] },
            ...{ exampleIds: [], counts: {}, ...(gate && { gate }) },
          },
          base,
        ),
      ),
    );
  const first = await add(better);
  done(await versions.activate(first, 1));
  const second = await add();
  done(await versions.judge(second, better));
  done(await versions.activate(second, 0.5));
  const third = await add({ ...better, verdict: 'forgets' });
  expect(await versions.activate(third, 1)).toMatchObject({ ok: false });
  done(await versions.pin('personal', 'aa', true));
  done(await versions.exportTo(second, join(home, 'exported.gguf')));
  done(await versions.importFrom(made, 'team', base));
  done(await versions.remove([second]));
  done(await versions.rollback('personal', 'aa'));
  done(await versions.activate(first, 1));
  return { outcomes, unwanted: second };
}

test.each([
  // What a run writes is tried at each write in learner.faults.test.ts.
  ['ENOSPC', 'from then on', 3],
  ['EIO', 'once', 1],
])('%s at any write or sync of the adapters, %s: what was said stands on the disk', async (code, how, step) => {
  disk.code = code;
  for (let call = 0; ; call += step) {
    await rm(join(home, 'adapters'), { recursive: true, force: true });
    const versions = await openAdapterVersions(home);
    disk.writes = 0;
    disk.fails = (write) => (how === 'once' ? write === call : write >= call);
    const { outcomes, unwanted } = await day(versions);
    const writes = disk.writes;
    disk.fails = () => false;
    if (writes <= call) {
      expect([call > 40, outcomes.every(({ ok }) => ok)]).toEqual([true, true]);
      return;
    }
    const what = `write ${call}`;
    // Later ones may fail because of it.
    expect(
      outcomes.find(({ ok }) => !ok),
      what,
    ).toMatchObject({ problem: 'disk' });
    // A removal that failed may have gone half the way; the same again goes all of it.
    expect(await versions.remove([unwanted]), what).toEqual({ ok: true });
    const again = await openAdapterVersions(home);
    expect(again.complaints(), what).toEqual([]);
    expect([ids(again), activeIds(again)], what).toEqual([ids(versions), activeIds(versions)]);
    for (const { card } of again.active('aa')) expect(card.gate?.verdict, what).toBe('better');
    const files = (await readdir(join(home, 'adapters'))).filter((name) => name !== 'active.json').sort();
    expect(files, what).toEqual(ids(again).flatMap((id) => [`${id}.gguf`, `${id}.json`]));
  }
});
