import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createFakeEngine } from '../engine/fake.ts';
import { openAdapterVersions } from './adapterVersions.ts';
import { contentHashOf, type Example } from './example.ts';
import { createLearner } from './learner.ts';
import { disk } from './testing/failingDisk.ts';
import { fakeTrainer } from './testing/fakeTrainer.ts';
import { memoryStore } from './testing/memoryStore.ts';
import { sampleAdapter, sampleBase } from './testing/sampleAdapter.ts';
import { trainingOptionsSchema } from './trainingPlan.ts';

vi.mock('node:fs/promises', async (original) => {
  const { failingDisk } = await import('./testing/failingDisk.ts');
  return failingDisk(await original());
});

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'argot-full-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

function examples(count: number): Example[] {
  return Array.from({ length: count }, (_, i) => {
    const text = `const value${i} = computeSomething(${i})\n`;
    return {
      ...{ id: `e${i}`, kind: 'typedInstead', repository: 'r', path: 'a.js', languageId: 'javascript', text },
      ...{ spanStart: 0, spanEnd: 5, weight: 2, createdAtMs: i + 1, contentHash: contentHashOf(text, 0, 5) },
    };
  });
}

test.skipIf(process.platform === 'win32')(
  'a disk that is full from any write on puts nothing to use, says so, and the next run goes through',
  async () => {
    const base = await sampleBase(home);
    const trainer = await fakeTrainer(home, await sampleAdapter(home, 'ready.gguf', { baseSha256: '' }), 0.9, 0);
    async function train() {
      const versions = await openAdapterVersions(home);
      const engine = createFakeEngine(() => '', { path: base.gguf.path });
      await using learner = createLearner({
        ...{ home, engine: () => ({ kind: 'ready', engine }), versions, store: memoryStore(examples(20)) },
        ...{ trainer: trainer.host, now: Date.now, options: trainingOptionsSchema.parse({ tickMs: 1e6 }) },
        settings: () => ({ training: 'manual', trainingOnBattery: true }),
        ...{ forbidden: () => undefined, log: () => undefined, onTraining: () => undefined },
        ...{ onPolicyChange: () => () => undefined, onLearnt: () => undefined },
      });
      return { result: await learner.trainNow(new AbortController().signal), served: engine.adapters() };
    }
    async function inUse(): Promise<number> {
      const versions = await openAdapterVersions(home);
      const active = versions.list().flatMap(({ card }) => versions.active(card.base.sha256));
      return new Set(active.map(({ card }) => card.id)).size;
    }

    for (let allowed = 0; ; allowed++) {
      await openAdapterVersions(home);
      disk.writes = 0;
      let isFull = false;
      // The folder of adapters is opened first.
      disk.fails = (write) => {
        isFull ||= write > allowed;
        return isFull;
      };
      const { result, served } = await train();
      disk.fails = () => false;
      if (result.kind === 'promoted') {
        expect([allowed > 20, served.length, await inUse()]).toEqual([true, 1, 1]);
        break;
      }
      expect(isFull).toBe(true);
      expect(result).toMatchObject({ kind: 'failed', message: expect.stringMatching(/^The disk is full/) });
      expect(served).toEqual([]);
      expect(await inUse()).toBe(0);
      // With room again the next run goes on from whatever that left; each seventh, since a run takes its time.
      if (allowed % 7 === 0) {
        expect((await train()).result.kind).toBe('promoted');
        expect(await inUse()).toBe(1);
      }
      for (const folder of ['adapters', 'training']) await rm(join(home, folder), { recursive: true, force: true });
    }
  },
  30_000,
);
