import { join } from 'node:path';
import type { TrainingResult, TrainingState } from '#protocol/learningRuns.ts';
import type { Engine } from '../engine/engine.ts';
import { diskFault, errorCode } from '../engine/faults.ts';
import type { EngineState } from '../engine/modelHost.ts';
import type { ExampleStore } from '../store/exampleStore.ts';
import type { AdapterBase, AdapterVersions } from './adapterVersions.ts';
import { createApplyAdapters } from './applyAdapters.ts';
import { adapterBase } from './baseModel.ts';
import type { Example } from './example.ts';
import type { GateDeps } from './gateRun.ts';
import { createGivingWay } from './givingWay.ts';
import { onMains } from './mains.ts';
import { waitReason } from './schedule.ts';
import type { TrainerHost } from './trainer.ts';
import type { TrainingOptions } from './trainingPlan.ts';
import {
  discardRun,
  judgeBeside,
  judgeVersion,
  runTraining,
  type TrainingOutcome,
  unfinishedRun,
} from './trainingRun.ts';
import { waitWords, words } from './words.ts';

export interface LearnerDeps {
  readonly home: string;
  readonly engine: () => EngineState;
  readonly versions: AdapterVersions;
  readonly store: ExampleStore;
  readonly trainer: TrainerHost | { readonly missing: string };
  readonly options: TrainingOptions;
  /** Why learning is not allowed now, such as by policy; undefined while it is. */
  readonly forbidden: () => string | undefined;
  /** Whether it is allowed may have changed; returns how to stop listening. */
  readonly onPolicyChange: (listener: () => void) => () => void;
  readonly settings: () => { readonly training: 'auto' | 'manual'; readonly trainingOnBattery: boolean };
  readonly now: () => number;
  readonly log: (message: string) => void;
  readonly onTraining: (state: TrainingState) => void;
  /** A run that started by itself changed what completes. */
  readonly onLearnt: (result: TrainingResult) => void;
}

/** Learns from the stored examples, and keeps the engine on the adapters that are active. */
export interface Learner extends AsyncDisposable {
  /** On each edit: a run pauses, and none starts by itself for a while. */
  typed(): void;
  training(): TrainingState;
  trainNow(signal: AbortSignal): Promise<TrainingResult>;
  /** Judges an adapter that came from elsewhere, and uses it if it is better on this developer's newest examples. */
  judge(id: string, signal: AbortSignal): Promise<TrainingResult>;
  /** Gives the engine the active adapters of its model; called when either changes. */
  apply(): Promise<void>;
  /** The model in use as the base of adapters. */
  base(): Promise<AdapterBase | undefined>;
  /** Ends a run and removes what it wrote, and every personal adapter with it. */
  forgetEverything(): Promise<void>;
}

type Work = (gate: GateDeps, examples: readonly Example[], signal: AbortSignal) => Promise<TrainingOutcome>;

export function createLearner(deps: LearnerDeps): Learner {
  const { versions, store, options, now } = deps;
  const folder = join(deps.home, 'training');
  const closing = new AbortController();
  let typedAt = Number.NEGATIVE_INFINITY;
  let endedAt = Number.NEGATIVE_INFINITY;
  let knownUntilMs = newestTrained(versions);
  let state: TrainingState = { kind: 'idle' };
  let working: { readonly stop: AbortController; readonly done: Promise<unknown> } | undefined;
  const givingWay = createGivingWay(options.pauseMs);
  /** After a deletion the examples that are left are learnt anew. */
  let again = false;
  /** What was judged beside which team's adapter, or could not be: not tried again until either changes. */
  let triedBeside = '';

  const engine = (): Engine | undefined => {
    const current = deps.engine();
    return current.kind === 'ready' ? current.engine : undefined;
  };
  const base = async () => {
    const current = engine();
    return current === undefined ? undefined : adapterBase(deps.home, current.model);
  };

  function show(next: TrainingState): void {
    state = next;
    deps.onTraining(next);
  }

  const apply = createApplyAdapters({ ...deps, typedAt: () => typedAt, closing: closing.signal });

  function typed(): void {
    typedAt = now();
    givingWay.typed();
  }

  async function run(work: Work, signal: AbortSignal): Promise<TrainingOutcome> {
    // A command may come before the model is there.
    const loading = deps.engine();
    if (loading.kind === 'loading') await loading.loaded;
    const current = engine();
    const own = await base();
    if ('missing' in deps.trainer) return { kind: 'failed', message: deps.trainer.missing };
    if (current === undefined || own === undefined) {
      return { kind: 'failed', message: 'Learning needs a model: choose one with “Argot: Choose Model”.' };
    }
    const examples = await store.list({ order: 'newestFirst', limit: mostExamples }, signal);
    const gate: GateDeps = {
      ...{ folder, host: deps.trainer, modelPath: current.model.path, base: own, tokenizer: current },
      ...{ versions, options, now },
      onProgress: ({ phase, step, steps, secondsLeft }) =>
        show({
          ...{ kind: 'running', phase, paused: false, step, steps },
          ...(secondsLeft === undefined ? {} : { secondsLeft }),
        }),
      onRun: givingWay.train,
    };
    return work(gate, examples, signal);
  }

  const train =
    (mayActivate: boolean): Work =>
    async (gate, examples, signal) => {
      const outcome = await runTraining(gate, { examples, mayActivate }, signal);
      if (outcome.kind === 'promoted' || outcome.kind === 'kept' || outcome.kind === 'rested') {
        again = false;
        knownUntilMs = Math.max(knownUntilMs, ...examples.map(({ createdAtMs }) => createdAtMs));
        await store.markUsed(outcome.version.card.id, outcome.version.card.exampleIds);
        await forgetRejected(versions);
      }
      return outcome;
    };

  /** One run at a time; `undefined` where one goes on already. */
  function start(work: Work, signal: AbortSignal): Promise<TrainingResult> | undefined {
    if (working !== undefined) return undefined;
    const stop = new AbortController();
    const all = AbortSignal.any([stop.signal, signal, closing.signal]);
    // What becomes forbidden while it runs stops at once; its checkpoint stays for when it is allowed again.
    const unwatch = deps.onPolicyChange(() => {
      if (deps.forbidden() !== undefined) stop.abort();
    });
    const done = run(work, all)
      .catch(
        (error: unknown): TrainingOutcome => ({
          kind: 'failed',
          message: errorCode(error) === '' ? String(error) : diskFault(error, deps.home).message,
        }),
      )
      .then(async (outcome): Promise<TrainingResult> => {
        unwatch();
        givingWay.train(undefined);
        working = undefined;
        endedAt = now();
        if (outcome.kind === 'promoted' || outcome.kind === 'rested') await apply();
        if (outcome.kind === 'failed') deps.log(`Training: ${outcome.message}`);
        show({ kind: 'idle' });
        const forbidden = outcome.kind === 'cancelled' ? deps.forbidden() : undefined;
        return forbidden === undefined ? words(outcome) : { kind: 'failed', message: forbidden, changed: false };
      });
    working = { stop, done };
    show({ kind: 'running', phase: 'training', paused: false, step: 0, steps: 0 });
    return done;
  }

  const teamOf = (baseSha256: string): readonly string[] =>
    versions.active(baseSha256).flatMap(({ card }) => (card.kind === 'team' ? [card.id] : []));

  /** The last run was on top of another team's adapter than the one in use. */
  function teamChanged(baseSha256: string): boolean {
    const last = versions.list().find(({ card }) => card.origin === 'trained' && card.base.sha256 === baseSha256);
    return last !== undefined && last.card.parents.join() !== teamOf(baseSha256).join();
  }

  /** What the team's change put to rest is judged again, once: it comes back where it is clearly better than the team's alone. */
  async function judgeResting(baseSha256: string): Promise<void> {
    const resting = versions.unjudged(baseSha256);
    if (resting === undefined || now() - typedAt < options.idleMs) return;
    const pair = [resting.card.id, ...teamOf(baseSha256)].join();
    if (pair === triedBeside) return;
    triedBeside = pair;
    const work: Work = (gate, examples, signal) => judgeBeside(gate, resting, examples, signal);
    await start(work, closing.signal);
  }

  async function tick(): Promise<void> {
    const forbidden = deps.forbidden();
    if (working !== undefined || forbidden !== undefined || 'missing' in deps.trainer) return;
    const own = await base();
    if (own === undefined || working !== undefined) return;
    await judgeResting(own.sha256);
    const counts = await store.counts();
    const fresh = await store.counts({ fromMs: knownUntilMs + 1 });
    const { training, trainingOnBattery } = deps.settings();
    const reason = waitReason(
      {
        ...{ mode: training, onBatteryToo: trainingOnBattery, onMains: await onMains() },
        ...{
          examples: counts.total,
          newExamples: fresh.total,
          unfinished: again || (await unfinishedRun(folder)) !== undefined,
        },
        teamChanged: teamChanged(own.sha256),
        ...{ sinceTypedMs: now() - typedAt, sinceRunMs: now() - endedAt },
      },
      options,
    );
    if (working !== undefined || closing.signal.aborted) return;
    if (reason !== undefined) {
      state = { kind: 'idle', waitingFor: waitWords[reason] };
      return;
    }
    const { pinned } = versions.slot('personal', own.sha256);
    const result = await start(train(!pinned), closing.signal);
    if (result?.changed) deps.onLearnt(result);
  }

  const ticking = setInterval(() => void tick().catch((error: unknown) => deps.log(String(error))), options.tickMs);
  ticking.unref();

  // The store knows which adapters used an example; one that is gone uses none.
  let known = new Set(versions.list().map(({ card }) => card.id));
  const stopWatching = versions.onChange(() => {
    const present = new Set(versions.list().map(({ card }) => card.id));
    for (const id of known) if (!present.has(id)) void store.forgetAdapter(id);
    known = present;
  });

  // What was learnt from code that the developer deleted goes with it.
  const unsubscribe = store.onDeleted(({ ids, adapterIds }) => void forget(ids, adapterIds));
  async function forget(ids: readonly string[], adapterIds: readonly string[]): Promise<void> {
    const gone = new Set(ids);
    const plan = await unfinishedRun(folder);
    if (plan !== undefined && [...plan.trainIds, ...plan.heldOutIds].some((id) => gone.has(id))) {
      await stopRun();
    }
    const users = versions.list().filter(({ card }) => card.exampleIds.some((id) => gone.has(id)));
    const doomed = new Set([...adapterIds, ...users.map(({ card }) => card.id)]);
    if (doomed.size === 0) return;
    await versions.remove([...doomed]);
    await apply();
    again = true;
  }

  async function byCommand(work: Work, signal: AbortSignal): Promise<TrainingResult> {
    const forbidden = deps.forbidden();
    if (forbidden !== undefined) return { kind: 'failed', message: forbidden, changed: false };
    return start(work, signal) ?? { kind: 'failed', message: 'A training run is under way already.', changed: false };
  }

  async function stopRun(): Promise<void> {
    working?.stop.abort();
    await working?.done;
    await discardRun(folder);
  }

  return {
    typed,
    async forgetEverything() {
      await stopRun();
      const outcome = await versions.removePersonal();
      if (!outcome.ok) throw new Error(outcome.message);
      await apply();
    },
    training: () => state,
    apply,
    base,
    trainNow: (signal) => byCommand(train(true), signal),
    judge: (id, signal) =>
      byCommand(async (gate, examples, all) => {
        const version = versions.find(id);
        if (version === undefined) return { kind: 'failed', message: `There is no adapter ${id} any more.` };
        return judgeVersion(gate, version, examples, all);
      }, signal),
    async [Symbol.asyncDispose]() {
      clearInterval(ticking);
      givingWay.close();
      unsubscribe();
      stopWatching();
      closing.abort();
      await working?.done;
    },
  };
}

/** More than a run's token budget ever holds. */
const mostExamples = 5000;
/** Candidates that the gate refused are kept for a look, the newest of them. */
const rejectedKept = 3;

async function forgetRejected(versions: AdapterVersions): Promise<void> {
  const rejected = versions
    .list()
    .filter(({ card }) => card.origin === 'trained' && card.gate !== undefined && card.gate.verdict !== 'better');
  await versions.remove(rejected.slice(rejectedKept).map(({ card }) => card.id));
}

function newestTrained(versions: AdapterVersions): number {
  return Math.max(0, ...versions.list().map(({ card }) => (card.origin === 'trained' ? card.createdAtMs : 0)));
}
