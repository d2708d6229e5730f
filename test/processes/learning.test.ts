import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../language-server/src/engine/engine.ts';
import { type AdapterBase, openAdapterVersions } from '../../language-server/src/learning/adapterVersions.ts';
import { adapterBase } from '../../language-server/src/learning/baseModel.ts';
import type { GateDeps, TrainingProgress } from '../../language-server/src/learning/gateRun.ts';
import { trainingOptionsSchema } from '../../language-server/src/learning/trainingPlan.ts';
import { runTraining, unfinishedRun } from '../../language-server/src/learning/trainingRun.ts';
import { habitualExamples } from '../lib/examples.ts';
import { realEngine, trainerHost } from '../lib/learning.ts';
import { modelPath } from './setup.ts';

const host = trainerHost();
if ('missing' in host) console.warn(host.missing);
const never = new AbortController().signal;

describe.skipIf('missing' in host)('a training run', () => {
  let engine: Engine;
  let base: AdapterBase;
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'argot-run-'));
    engine = await realEngine(modelPath());
    const found = await adapterBase(home, engine.model);
    if (found === undefined) throw new Error('The model can’t be read.');
    base = found;
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  async function deps(more: Partial<GateDeps> = {}): Promise<GateDeps> {
    if ('missing' in host) throw new Error(host.missing);
    return {
      ...{ folder: join(home, 'training'), host, modelPath: modelPath(), base, tokenizer: engine, now: Date.now },
      versions: await openAdapterVersions(home),
      options: trainingOptionsSchema.parse({ sequence: 128, checkpointEverySteps: 2, learningRate: 0.002 }),
      ...{ onProgress: () => undefined, onRun: () => undefined },
      ...more,
    };
  }
  const files = async (folder: string) => (await readdir(join(home, folder)).catch(() => [])).sort();

  test('too few examples train nothing', async () => {
    const outcome = await runTraining(await deps(), { examples: habitualExamples(5), mayActivate: true }, never);
    expect(outcome).toEqual({ kind: 'tooFew', examples: 5, needed: 12 });
  });

  test('a run that is stopped goes on where it was, and what it makes is used once the gate passed it', async () => {
    const examples = habitualExamples(16);
    const stop = new AbortController();
    const until = (step: number) => (progress: TrainingProgress) => {
      if (progress.step >= step) stop.abort();
    };
    const first = await runTraining(await deps({ onProgress: until(4) }), { examples, mayActivate: true }, stop.signal);
    expect(first).toEqual({ kind: 'cancelled' });
    expect((await unfinishedRun(join(home, 'training')))?.trainIds).toHaveLength(12);
    expect(await files('training')).toContain('checkpoint');

    const steps: number[] = [];
    const second = await deps({ onProgress: ({ phase, step }) => phase === 'training' && steps.push(step) });
    // What came in between belongs to the next run: a run that goes on keeps its data.
    const outcome = await runTraining(second, { examples: habitualExamples(20), mayActivate: true }, never);
    expect(outcome).toMatchObject({ kind: 'promoted', report: { verdict: 'better', heldOutExamples: 4 } });
    if (outcome.kind !== 'promoted') return;
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(4);
    expect(outcome.report.gainLow).toBeGreaterThan(0);
    expect(outcome.report.forgetting).toBeLessThanOrEqual(0.02);
    expect(outcome.version.card.exampleIds).toHaveLength(16);
    expect(second.versions.active(base.sha256).map(({ card }) => card.id)).toEqual([outcome.version.card.id]);
    // The data of a run are the developer's code: nothing of it stays.
    expect(await files('training')).toEqual([]);
  });

  test('what is no better than what is in use stays out of use', async () => {
    const options = trainingOptionsSchema.parse({ sequence: 128, learningRate: 0 });
    const given = await deps({ options });
    const before = given.versions.active(base.sha256).map(({ card }) => card.id);
    const outcome = await runTraining(given, { examples: habitualExamples(16), mayActivate: true }, never);
    expect(outcome).toMatchObject({ kind: 'kept', report: { verdict: 'notBetter' } });
    expect(given.versions.active(base.sha256).map(({ card }) => card.id)).toEqual(before);
  });
});
