import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { offerTeamAdapter, withdrawTeamAdapter } from '../../language-server/src/federation/teamVersion.ts';
import { type AdapterBase, openAdapterVersions } from '../../language-server/src/learning/adapterVersions.ts';
import type { GateDeps } from '../../language-server/src/learning/gateRun.ts';
import {
  judgeBeside,
  judgeVersion,
  runTraining,
  unfinishedRun,
} from '../../language-server/src/learning/trainingRun.ts';
import { type Bench, openBench } from '../../native/tests/lib.ts';
import { habitualExamples } from '../lib/examples.ts';
import { foldedLetters, tinyBase, tinyOptions } from '../lib/tinyModel.ts';

const opened = await openBench();
if ('missing' in opened) console.warn(opened.missing);
const never = new AbortController().signal;

/** The real trainer on a model of random weights: it learns to spell, and that within a second. */
describe.skipIf('missing' in opened)('a training run', () => {
  let bench: Bench;
  let model: string;
  let base: AdapterBase;
  let home: string;
  beforeAll(async () => {
    if ('missing' in opened) throw new Error(opened.missing);
    bench = opened;
    model = await bench.model('llama');
    base = await tinyBase(model);
    home = await mkdtemp(join(tmpdir(), 'argot-run-'));
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  async function deps(more: Partial<GateDeps> = {}): Promise<GateDeps> {
    return {
      ...{ folder: join(home, 'training'), host: bench.host, modelPath: model, base, now: Date.now },
      ...{ versions: await openAdapterVersions(home), tokenizer: foldedLetters, options: tinyOptions },
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
    const examples = habitualExamples(60);
    const stop = new AbortController();
    const watching = setInterval(() => existsSync(join(home, 'training', 'checkpoint')) && stop.abort(), 2);
    const interrupted = await runTraining(await deps(), { examples, mayActivate: true }, stop.signal);
    clearInterval(watching);
    expect(interrupted).toEqual({ kind: 'cancelled' });
    expect((await unfinishedRun(join(home, 'training')))?.trainIds).toHaveLength(48);
    expect(await files('training')).toContain('checkpoint');

    const second = await deps();
    // What came in between belongs to the next run: a run that goes on keeps its data.
    const outcome = await runTraining(second, { examples: habitualExamples(64), mayActivate: true }, never);
    expect(outcome).toMatchObject({ kind: 'promoted', report: { verdict: 'better', heldOutExamples: 12 } });
    if (outcome.kind !== 'promoted') return;
    expect(outcome.report.gainLow).toBeGreaterThan(0);
    expect(outcome.report.forgetting).toBeLessThanOrEqual(0.02);
    expect(outcome.version.card.exampleIds).toHaveLength(60);
    expect(second.versions.active('tiny').map(({ card }) => card.id)).toEqual([outcome.version.card.id]);
    // The data of a run are the developer's code: nothing of it stays.
    expect(await files('training')).toEqual([]);
  });

  test('what is no better than what is in use stays out of use', async () => {
    const given = await deps({ options: { ...tinyOptions, learningRate: 0 } });
    const before = given.versions.active('tiny').map(({ card }) => card.id);
    const outcome = await runTraining(given, { examples: habitualExamples(20), mayActivate: true }, never);
    expect(outcome).toMatchObject({ kind: 'kept', report: { verdict: 'notBetter' } });
    expect(given.versions.active('tiny').map(({ card }) => card.id)).toEqual(before);
  });

  test('what has come to hurt rests, and can be brought back', async () => {
    const own = join(home, 'changed');
    const given = await deps({ versions: await openAdapterVersions(own), folder: join(own, 'training') });
    const { versions } = given;
    const learnt = await runTraining(given, { examples: habitualExamples(60), mayActivate: true }, never);
    if (learnt.kind !== 'promoted') throw new Error(`Not promoted: ${learnt.kind}`);
    // Code in other letters, at a scale that makes much of what was learnt; a rate of nothing gives a candidate that changes nothing.
    await versions.activate(learnt.version.card.id, 3);
    const changed = habitualExamples(60).map((example) => ({
      ...example,
      text: example.text.replace(/[^\n]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 50)),
    }));
    const idle = { ...given, options: { ...tinyOptions, learningRate: 0 } };
    expect(await runTraining(idle, { examples: changed, mayActivate: false }, never)).toMatchObject({ kind: 'kept' });
    expect(versions.active('tiny')).toHaveLength(1);
    const outcome = await runTraining(idle, { examples: changed, mayActivate: true }, never);
    expect(outcome).toMatchObject({ kind: 'rested', report: { verdict: 'notBetter' } });
    expect(versions.active('tiny')).toEqual([]);
    expect(await versions.activate(learnt.version.card.id, 1)).toEqual({ ok: true });
    expect(versions.active('tiny').map(({ card }) => card.id)).toEqual([learnt.version.card.id]);
  });

  test('an exported adapter is judged where it is imported, beside what is in use there', async () => {
    const given = await deps();
    const [active] = given.versions.active('tiny');
    if (active === undefined) throw new Error('Nothing is in use.');
    const file = join(home, 'exported.gguf');
    await given.versions.exportTo(active.card.id, file);
    await given.versions.rollback('personal', 'tiny');
    const imported = await given.versions.importFrom(file, 'team', base);
    if (!imported.ok) throw new Error(imported.message);
    const outcome = await judgeVersion(given, imported.version, habitualExamples(30), never);
    expect(outcome).toMatchObject({ kind: 'promoted', report: { scales: { personal: 0 } } });
    expect(given.versions.active('tiny')).toMatchObject([{ card: { kind: 'team', origin: 'imported' } }]);
  });

  test('a team’s adapter completes where it is better, and the personal one only where it adds to it', async () => {
    const own = join(home, 'team');
    const given = await deps({ versions: await openAdapterVersions(own), folder: join(own, 'training') });
    const { versions } = given;
    const examples = habitualExamples(60);
    const train = () => runTraining(given, { examples, mayActivate: true }, never);
    const inUse = () => versions.active('tiny').map(({ card }) => card.kind);
    const offer = async (file: string, from = examples) => {
      const store = { list: async () => from };
      const { host, tokenizer, now, options } = given;
      const { probeTokens } = options;
      const parts = { host, base, tokenizer, versions, now, store, probeTokens, repository: 'shop#1', folder: own };
      return offerTeamAdapter(parts, file, 1, never);
    };
    const learnt = await train();
    if (learnt.kind !== 'promoted') throw new Error(`Not promoted: ${learnt.kind}`);
    const file = join(own, 'round-1.gguf');
    await versions.exportTo(learnt.version.card.id, file);
    // Without the personal one the team's is better, with it it would say the same twice.
    await versions.remove([learnt.version.card.id]);
    expect(await offer(file, habitualExamples(3))).toEqual({ kind: 'tooFew' });
    expect(await offer(file)).toMatchObject({ kind: 'active' });
    expect(inUse()).toEqual(['team']);
    // The same again is no better than what is in use.
    expect(await offer(file)).toMatchObject({ kind: 'kept' });

    const onTop = await train();
    if (onTop.kind !== 'promoted' && onTop.kind !== 'kept') throw new Error(`Not judged: ${onTop.kind}`);
    const team = versions.active('tiny').find(({ card }) => card.kind === 'team')?.card.id ?? '';
    expect(onTop.version.card.parents).toEqual([team]);
    if (onTop.kind === 'promoted') {
      expect(onTop.report.candidateLoss).toBeLessThan(onTop.report.currentLoss);
      expect(inUse()).toEqual(['team', 'personal']);
    }
    // Voted down, the team's is gone, and what was trained on top of it rests until it is judged without it.
    expect(await withdrawTeamAdapter(versions, file)).toBe(true);
    expect(inUse()).toEqual([]);
    if (onTop.kind === 'promoted') {
      expect(versions.unjudged('tiny')?.card.id).toBe(onTop.version.card.id);
      const judged = await judgeBeside(given, onTop.version, examples, never);
      expect(versions.unjudged('tiny')).toBeUndefined();
      expect(inUse()).toEqual(judged.kind === 'promoted' ? ['personal'] : []);
    }
    expect((await readdir(own)).filter((name) => name.endsWith('.jsonl'))).toEqual([]);
  });
});
