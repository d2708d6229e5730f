import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GateReport } from './adapterCard.ts';
import { type AdapterVersion, baseOf } from './adapterVersions.ts';
import { readChecked, writeChecked } from './checkedFile.ts';
import { type Dataset, datasetOf, labelledTokens, newestWithin, splitByTime } from './dataset.ts';
import type { Example } from './example.ts';
import { common, type GateDeps, type Judged, runGate, type Stage, writeLines } from './gateRun.ts';
import { startTrainer } from './trainer.ts';
import { trainerCommands } from './trainerMessages.ts';
import { countByKind, epochsFor, type TrainingPlan, trainingPlanSchema } from './trainingPlan.ts';

/**
 * `kept`: what was in use stays, because the gate did not find the candidate better. `rested`: nor does what was in use
 * help any more, so the slot works without either.
 */
export type TrainingOutcome =
  | { readonly kind: 'promoted'; readonly version: AdapterVersion; readonly report: GateReport }
  | { readonly kind: 'kept' | 'rested'; readonly version: AdapterVersion; readonly report: GateReport }
  | { readonly kind: 'tooFew'; readonly examples: number; readonly needed: number }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly message: string };

/** A run that a person started need not respect a pinned version; one that started by itself does. */
export interface TrainingRequest {
  readonly examples: readonly Example[];
  readonly mayActivate: boolean;
}

/** Whether a run was cut short by the end of the process; `runTraining` with the same examples goes on with it. */
export async function unfinishedRun(folder: string): Promise<TrainingPlan | undefined> {
  const read = await readChecked(planFile(folder), trainingPlanSchema).catch(() => undefined);
  return read?.kind === 'read' ? read.value : undefined;
}

/** Removes every trace of a run: its data are the developer's code, as token numbers. */
export async function discardRun(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/**
 * From examples to a judged adapter: dataset, training, gate, and the active slot if the gate says better. Whatever
 * happens in between, what is in use changes last. Cancelled, the run leaves its checkpoint for the next.
 */
export async function runTraining(
  deps: GateDeps,
  request: TrainingRequest,
  signal: AbortSignal,
): Promise<TrainingOutcome> {
  const { options, folder } = deps;
  if (request.examples.length < options.leastExamples) {
    return { kind: 'tooFew', examples: request.examples.length, needed: options.leastExamples };
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const prepared = await prepare(deps, request.examples);
  if (prepared.heldOut.length === 0 || prepared.train.length === 0) {
    await discardRun(folder);
    return { kind: 'tooFew', examples: 0, needed: options.leastExamples };
  }
  const candidate = join(folder, 'candidate.gguf');
  // The trainer puts the whole file there at its end: a run that was cut short in the gate goes on there.
  const trained = existsSync(candidate) ? done : await train(deps, prepared, candidate, signal);
  if (trained.kind !== 'done') return trained;
  const judged = await runGate(deps, { path: candidate, kind: 'personal' }, prepared.heldOut, signal);
  if (judged.kind !== 'done') return judged;
  const { plan } = prepared;
  const added = await deps.versions.add(
    candidate,
    {
      ...{ kind: 'personal', origin: 'trained', base: baseOf(deps.base) },
      parents: plan.frozen.map(({ id }) => id),
      exampleIds: [...plan.trainIds, ...plan.heldOutIds],
      counts: { ...plan.counts, examples: plan.trainIds.length, tokens: plan.tokens, epochs: plan.epochs },
      gate: judged.report,
    },
    deps.base,
  );
  if (!added.ok) return { kind: 'failed', message: added.message };
  await discardRun(folder);
  const { report, hurts } = judged;
  const { version } = added;
  if (!request.mayActivate) return { kind: 'kept', version, report };
  if (report.verdict === 'better') {
    const activated = await deps.versions.activate(version.card.id, report.scales.personal);
    return activated.ok ? { kind: 'promoted', version, report } : { kind: 'failed', message: activated.message };
  }
  if (hurts === undefined) return { kind: 'kept', version, report };
  const rested = await deps.versions.activate(hurts.card.id, 0);
  return rested.ok ? { kind: 'rested', version, report } : { kind: 'failed', message: rested.message };
}

/**
 * Judges a version that came from elsewhere (imported, or from a round) on this developer's newest examples, none of which
 * it has seen, writes that into its card, and puts it to use if it is better.
 */
export async function judgeVersion(
  deps: GateDeps,
  version: AdapterVersion,
  examples: readonly Example[],
  signal: AbortSignal,
): Promise<TrainingOutcome> {
  const { versions } = deps;
  const judged = await judgeOnNewest(deps, version, examples, signal);
  if (judged.kind !== 'done') return judged;
  const { report } = judged;
  const written = await versions.judge(version.card.id, report);
  if (!written.ok) return { kind: 'failed', message: written.message };
  if (report.verdict !== 'better') return { kind: 'kept', version, report };
  const activated = await versions.activate(version.card.id, report.scales[version.card.kind]);
  return activated.ok ? { kind: 'promoted', version, report } : { kind: 'failed', message: activated.message };
}

/**
 * Judges the personal version again after the team's changed: it works beside the new one at its best scale where that is
 * clearly better than the team's alone, and rests otherwise.
 */
export async function judgeBeside(
  deps: GateDeps,
  version: AdapterVersion,
  examples: readonly Example[],
  signal: AbortSignal,
): Promise<TrainingOutcome> {
  const judged = await judgeOnNewest(deps, version, examples, signal);
  if (judged.kind !== 'done') return judged;
  const { report } = judged;
  const isBetter = report.verdict === 'better';
  const activated = await deps.versions.activate(version.card.id, isBetter ? report.scales.personal : 0);
  if (!activated.ok) return { kind: 'failed', message: activated.message };
  return { kind: isBetter ? 'promoted' : 'kept', version, report };
}

async function judgeOnNewest(
  deps: GateDeps,
  version: AdapterVersion,
  examples: readonly Example[],
  signal: AbortSignal,
): Promise<Stage<Judged> | Extract<TrainingOutcome, { readonly kind: 'tooFew' }>> {
  const { folder, options, tokenizer } = deps;
  const newest = splitByTime(newestWithin(oldestFirst(examples), options.mostTokens, tokenizer)).heldOut;
  const { heldOut } = datasetOf({ train: [], heldOut: newest }, tokenizer, options.sequence);
  if (heldOut.length === 0) return { kind: 'tooFew', examples: examples.length, needed: options.leastExamples };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const judged = await runGate(deps, { path: version.path, kind: version.card.kind }, heldOut, signal);
  if ((await unfinishedRun(folder)) === undefined) await discardRun(folder);
  return judged;
}

interface Prepared extends Dataset {
  readonly plan: TrainingPlan;
}

/** The plan of a run that was cut short counts while all its examples are still there, and base and team adapter are the same. */
async function prepare(deps: GateDeps, examples: readonly Example[]): Promise<Prepared> {
  const { folder, options, tokenizer, base } = deps;
  const byId = new Map(examples.map((example) => [example.id, example]));
  const earlier = await unfinishedRun(folder);
  const found = (ids: readonly string[]) => ids.flatMap((id) => byId.get(id) ?? []);
  const frozen = deps.versions
    .active(base.sha256)
    .filter(({ card }) => card.kind === 'team')
    .map(({ card, path, scale }) => ({ id: card.id, path, scale }));
  const usable =
    earlier !== undefined &&
    earlier.baseSha256 === base.sha256 &&
    [...earlier.trainIds, ...earlier.heldOutIds].every((id) => byId.has(id)) &&
    earlier.frozen.length === frozen.length &&
    earlier.frozen.every(({ id, scale }, i) => id === frozen[i]?.id && scale === frozen[i].scale);
  if (!usable) {
    await discardRun(folder);
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const split = usable
    ? { train: found(earlier.trainIds), heldOut: found(earlier.heldOutIds) }
    : splitByTime(newestWithin(oldestFirst(examples), options.mostTokens, tokenizer));
  const dataset = datasetOf(split, tokenizer, options.sequence);
  if (usable) return { plan: earlier, ...dataset };
  const tokens = labelledTokens(dataset.train);
  const plan: TrainingPlan = {
    ...{ format: 1, baseSha256: base.sha256, tokens, epochs: epochsFor(tokens), startedAtMs: deps.now() },
    trainIds: split.train.map(({ id }) => id),
    heldOutIds: split.heldOut.map(({ id }) => id),
    counts: countByKind(split.train),
    frozen,
  };
  await writeChecked(planFile(folder), plan);
  return { plan, ...dataset };
}

const done = { kind: 'done' } as const;

async function train(deps: GateDeps, prepared: Prepared, output: string, signal: AbortSignal): Promise<Stage<object>> {
  const { folder, options, host } = deps;
  const data = join(folder, 'train.jsonl');
  await writeLines(data, prepared.train);
  const { plan } = prepared;
  const request = {
    ...common(deps),
    ...{ data, output, sequence: options.sequence, adapter: { rank: options.rank, alpha: 2 * options.rank } },
    ...{
      learningRate: options.learningRate,
      schedule: 'cosine' as const,
      warmupSteps: 4,
      epochs: plan.epochs,
      clip: 1,
    },
    frozen: plan.frozen.map(({ path, scale }) => ({ path, scale })),
    parents: plan.frozen.map(({ id }) => id),
    ...{ checkpoint: join(folder, 'checkpoint'), checkpointEverySteps: options.checkpointEverySteps, resume: true },
  };
  const run = startTrainer(host, trainerCommands.train, request, signal, (event) => {
    if (event.event !== 'progress') return;
    const { step, steps, secondsLeft } = event;
    deps.onProgress({ phase: 'training', step, steps, secondsLeft: secondsLeft ?? undefined });
  });
  deps.onRun(run);
  const outcome = await run.outcome;
  deps.onRun(undefined);
  if (outcome.ok) return { kind: 'done' };
  if (outcome.problem === 'cancelled') return { kind: 'cancelled' };
  // A checkpoint that can't be read, or data of another kind, must not stop every run to come.
  if (outcome.problem === 'checkpointInvalid') await discardRun(folder);
  return { kind: 'failed', message: outcome.message };
}

const planFile = (folder: string) => join(folder, 'plan.json');

function oldestFirst(examples: readonly Example[]): readonly Example[] {
  return examples.toSorted((a, b) => a.createdAtMs - b.createdAtMs);
}
