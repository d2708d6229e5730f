import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrainingResult } from '#protocol/learningRuns.ts';
import type { Engine } from '../engine/engine.ts';
import { createFakeEngine } from '../engine/fake.ts';
import type { EngineState } from '../engine/modelHost.ts';
import { type AdapterVersions, openAdapterVersions } from './adapterVersions.ts';
import { contentHashOf, type Example } from './example.ts';
import { createLearner, type Learner, type LearnerDeps } from './learner.ts';
import { fakeTrainer } from './testing/fakeTrainer.ts';
import { memoryStore } from './testing/memoryStore.ts';
import { sampleAdapter, sampleBase } from './testing/sampleAdapter.ts';
import { trainingOptionsSchema } from './trainingPlan.ts';

const never = new AbortController().signal;

function examplesFrom(first: number, count: number): Example[] {
  return Array.from({ length: count }, (_, i) => {
    const text = `const value${first + i} = computeSomething(${first + i})\n`;
    return {
      ...{ id: `e${first + i}`, kind: 'typedInstead', repository: 'r', path: 'a.js', languageId: 'javascript', text },
      ...{ spanStart: 0, spanEnd: 5, weight: 2, createdAtMs: first + i + 1, contentHash: contentHashOf(text, 0, 5) },
    };
  });
}

describe.skipIf(process.platform === 'win32')('the learner', () => {
  let home: string;
  let engine: Engine;
  let versions: AdapterVersions;
  let learner: Learner;
  let examples: Example[];
  let store: ReturnType<typeof memoryStore>;
  let trainer: Awaited<ReturnType<typeof fakeTrainer>>;
  const learnt: TrainingResult[] = [];

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'argot-learner-'));
    const base = await sampleBase(home);
    engine = createFakeEngine(() => '', { path: base.gguf.path });
    versions = await openAdapterVersions(home);
    trainer = await fakeTrainer(home, await sampleAdapter(home, 'ready.gguf', { baseSha256: '' }));
    examples = examplesFrom(0, 20);
    store = memoryStore(examples);
    learnt.length = 0;
  });
  afterEach(async () => {
    await learner[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  function start(options: object = {}, more: Partial<LearnerDeps> = {}): void {
    learner = createLearner({
      ...{ home, engine: () => ({ kind: 'ready', engine }), versions, store, trainer: trainer.host, now: Date.now },
      options: trainingOptionsSchema.parse({ tickMs: 1e6, ...options }),
      settings: () => ({ training: 'auto', trainingOnBattery: true }),
      ...{ forbidden: () => undefined, log: () => undefined, onTraining: () => undefined },
      onPolicyChange: () => () => undefined,
      onLearnt: (result) => learnt.push(result),
      ...more,
    });
  }
  async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
    for (let i = 0; !(await holds()); i++) {
      if (i > 300) throw new Error('It did not come to hold.');
      await sleep(10);
    }
  }
  const trainings = async () => (await trainer.asked()).filter((asked) => asked === 'train').length;

  it('trains by command, and the engine uses what the gate passed', async () => {
    start();
    const result = await learner.trainNow(never);
    expect(result).toMatchObject({
      kind: 'promoted',
      changed: true,
      message: expect.stringContaining('10.0 % better'),
    });
    const [version] = versions.list();
    expect(engine.adapters()).toEqual([{ path: version?.path, scale: version?.card.gate?.scales.personal }]);
    expect(await store.adaptersUsing(['e3'])).toEqual([version?.card.id]);
    expect(learnt).toEqual([]);
  });

  it('a command that comes before the model waits for it', async () => {
    let state: EngineState = { kind: 'loading', loaded: sleep(50).then(() => (state = { kind: 'ready', engine })) };
    start({}, { engine: () => state });
    expect(await learner.trainNow(never)).toMatchObject({ kind: 'promoted' });
  });

  it('starts by itself with enough new evidence in idle time, once, and tells what changed', async () => {
    start({ tickMs: 20, idleMs: 60, enoughNew: 15 });
    learner.typed();
    await until(() => learnt.length > 0);
    expect(learnt).toMatchObject([{ kind: 'promoted', changed: true }]);
    await sleep(120);
    expect(await trainings()).toBe(1);
    expect(learner.training()).toMatchObject({ kind: 'idle', waitingFor: expect.stringContaining('new examples') });
  });

  it('does not start by itself where the settings, policy or a missing trainer forbid it', async () => {
    start(
      { tickMs: 10, idleMs: 0, enoughNew: 1 },
      { settings: () => ({ training: 'manual', trainingOnBattery: true }) },
    );
    await sleep(80);
    await learner[Symbol.asyncDispose]();
    start({ tickMs: 10, idleMs: 0, enoughNew: 1 }, { forbidden: () => 'Your administrator forbids learning.' });
    await sleep(80);
    expect(await learner.trainNow(never)).toMatchObject({
      kind: 'failed',
      message: 'Your administrator forbids learning.',
    });
    await learner[Symbol.asyncDispose]();
    start({ tickMs: 10, idleMs: 0, enoughNew: 1 }, { trainer: { missing: 'Build the trainer.' } });
    await sleep(80);
    expect(await learner.trainNow(never)).toMatchObject({ kind: 'failed', message: 'Build the trainer.' });
    expect(await trainings()).toBe(0);
  });

  it('after the team’s adapter has changed judges the personal one beside it, and trains it again on top, once', async () => {
    start();
    expect(await learner.trainNow(never)).toMatchObject({ changed: true });
    const [personal] = versions.list();
    const base = await learner.base();
    if (personal?.card.gate === undefined || base === undefined) throw new Error('Nothing was learnt.');
    await learner[Symbol.asyncDispose]();
    const draft = { kind: 'team', origin: 'round', base: personal.card.base, gate: personal.card.gate } as const;
    const file = await sampleAdapter(home, 'team.gguf', { baseSha256: '' });
    const team = await versions.add(file, { ...draft, parents: [], exampleIds: [], counts: {} }, base);
    if (!team.ok) throw new Error(team.message);
    await versions.activate(team.version.card.id, 1);
    expect(versions.unjudged(base.sha256)?.card.id).toBe(personal.card.id);
    start({ tickMs: 10, idleMs: 0, restMs: 0 });
    await until(async () => (await trainings()) === 2 && versions.list().length === 3);
    expect(versions.list()[0]?.card.parents).toEqual([team.version.card.id]);
    expect(versions.unjudged(base.sha256)).toBeUndefined();
    await sleep(100);
    expect(await trainings()).toBe(2);
    expect((await trainer.asked()).lastIndexOf('train')).toBeGreaterThan((await trainer.asked()).indexOf('train') + 3);
  });

  it('pauses while the developer types, and goes on', async () => {
    trainer = await fakeTrainer(home, join(home, 'ready.gguf'), 0.9, 400);
    start({ pauseMs: 50 });
    const done = learner.trainNow(never);
    await until(async () => (await trainings()) === 1);
    learner.typed();
    await done;
    expect((await trainer.asked()).slice(0, 3)).toEqual(['train', 'pause', 'resume']);
  });

  it('exchanges adapters in a pause, not between two keystrokes', async () => {
    start({ swapPauseMs: 200, pauseMs: 1 });
    const typing = setInterval(() => learner.typed(), 20);
    const done = learner.trainNow(never);
    await until(() => versions.active(versions.list()[0]?.card.base.sha256 ?? '').length > 0);
    await sleep(100);
    expect(engine.adapters()).toEqual([]);
    clearInterval(typing);
    await done;
    expect(engine.adapters()).toHaveLength(1);
  });

  it('one run at a time, and a cancelled one changes nothing', async () => {
    trainer = await fakeTrainer(home, join(home, 'ready.gguf'), 0.9, 5000);
    start();
    const stop = new AbortController();
    const first = learner.trainNow(stop.signal);
    expect(await learner.trainNow(never)).toMatchObject({ kind: 'failed' });
    await until(async () => (await trainings()) === 1);
    stop.abort();
    expect(await first).toMatchObject({ kind: 'cancelled', changed: false });
    expect(versions.list()).toEqual([]);
  });

  it('stops a run that policy forbids while it goes on, and says who does', async () => {
    trainer = await fakeTrainer(home, join(home, 'ready.gguf'), 0.9, 5000);
    let forbidden: string | undefined;
    const listeners = new Set<() => void>();
    start(
      {},
      {
        forbidden: () => forbidden,
        onPolicyChange(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
    );
    const running = learner.trainNow(never);
    await until(async () => (await trainings()) === 1);
    for (const listener of listeners) listener();
    expect(learner.training().kind).toBe('running');
    forbidden = 'Your administrator forbids learning.';
    const before = performance.now();
    for (const listener of listeners) listener();
    expect(await running).toEqual({ kind: 'failed', message: forbidden, changed: false });
    expect(performance.now() - before).toBeLessThan(1000);
    expect(listeners.size).toBe(0);
    expect(versions.list()).toEqual([]);
  });

  it('a pinned adapter is not replaced by a run that starts by itself', async () => {
    start();
    await learner.trainNow(never);
    const [first] = versions.list();
    await versions.pin('personal', first?.card.base.sha256 ?? '', true);
    await learner[Symbol.asyncDispose]();
    trainer = await fakeTrainer(home, join(home, 'ready.gguf'), 0.5);
    examples.push(...examplesFrom(100, 20).map((each) => ({ ...each, createdAtMs: Date.now() + each.createdAtMs })));
    start({ tickMs: 20, idleMs: 0, enoughNew: 15 });
    await until(() => versions.list().length === 2);
    await sleep(50);
    expect(engine.adapters().map(({ path }) => path)).toEqual([first?.path]);
    expect(learnt).toEqual([]);
  });

  it('takes back what was learnt from deleted examples, and learns the rest again', async () => {
    start({ tickMs: 20, idleMs: 0 });
    await learner.trainNow(never);
    const [first] = versions.list();
    await store.delete(['e2']);
    await until(() => versions.find(first?.card.id ?? '') === undefined && engine.adapters().length === 0);
    await until(() => learnt.length > 0);
    const [second] = versions.list();
    expect(second?.card.exampleIds).not.toContain('e2');
    expect(engine.adapters().map(({ path }) => path)).toEqual([second?.path]);
  });

  it('judges an adapter that came from elsewhere before it uses it', async () => {
    start();
    const base = await learner.base();
    if (base === undefined) throw new Error('The sample can’t be read.');
    const imported = await versions.importFrom(join(home, 'ready.gguf'), 'team', base);
    if (!imported.ok) throw new Error(imported.message);
    expect(engine.adapters()).toEqual([]);
    const { id } = imported.version.card;
    expect(await learner.judge(id, never)).toMatchObject({ kind: 'promoted', adapterId: id });
    expect(engine.adapters()).toMatchObject([{ path: imported.version.path }]);
    expect(versions.find(id)?.card.gate).toMatchObject({ verdict: 'better', scales: { personal: 0 } });
    expect(await readdir(join(home, 'training')).catch(() => [])).toEqual([]);
  });

  it('forgets everything: no adapter and no data of a run are left', async () => {
    start();
    await learner.trainNow(never);
    await writeFile(join(home, 'adapters', 'personal-old.gguf.damaged'), 'weights');
    await learner.forgetEverything();
    expect(engine.adapters()).toEqual([]);
    expect((await readdir(join(home, 'adapters'))).filter((name) => name.startsWith('personal'))).toEqual([]);
    expect(await readdir(join(home, 'training')).catch(() => [])).toEqual([]);
  });
});
