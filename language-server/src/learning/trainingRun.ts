import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GateReport } from './adapterCard.ts';
import type { AdapterBase, AdapterVersion, AdapterVersions } from './adapterVersions.ts';
import { baseOf } from './adapterVersions.ts';
import { readChecked, writeChecked } from './checkedFile.ts';
import {
  createSeenLines,
  type DatasetLine,
  heldOutLines,
  newestWithin,
  plainLines,
  splitByTime,
  type Tokenizer,
  trainingLines,
} from './dataset.ts';
import type { Example } from './example.ts';
import { judge, type Losses, mostForgetting, type Trial } from './gate.ts';
import { probeTexts } from './probeTexts.ts';
import { startTrainer, type TrainerHost, type TrainerRun } from './trainer.ts';
import { type AdapterUse, trainerCommands } from './trainerMessages.ts';
import { countByKind, epochsFor, type TrainingOptions, type TrainingPlan, trainingPlanSchema } from './trainingPlan.ts';

export interface TrainingDeps {
  /** `<home>/training`; holds code while a run lasts, and nothing afterwards. */
  readonly folder: string;
  readonly host: TrainerHost;
  readonly modelPath: string;
  readonly base: AdapterBase;
  readonly tokenizer: Tokenizer;
  readonly versions: AdapterVersions;
  readonly options: TrainingOptions;
  readonly now: () => number;
  readonly onProgress: (progress: TrainingProgress) => void;
  /** Called with each process of the run, so that it can be paused. */
  readonly onRun: (run: Pick<TrainerRun<unknown>, 'pause' | 'resume'> | undefined) => void;
}

export interface TrainingProgress {
  readonly phase: 'training' | 'judging';
  readonly step: number;
  readonly steps: number;
  readonly secondsLeft: number | undefined;
}

/** `kept`: what was in use stays, because the gate did not find the candidate better. */
export type TrainingOutcome =
  | { readonly kind: 'promoted'; readonly version: AdapterVersion; readonly report: GateReport }
  | { readonly kind: 'kept'; readonly version: AdapterVersion; readonly report: GateReport }
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
  deps: TrainingDeps,
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
  const trained = await train(deps, prepared, candidate, signal);
  if (trained.kind !== 'done') return trained;
  const judged = await runGate(deps, candidate, prepared.heldOut, signal);
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
  const { report } = judged;
  const { version } = added;
  if (report.verdict !== 'better' || !request.mayActivate) return { kind: 'kept', version, report };
  const activated = await deps.versions.activate(version.card.id, report.scales.personal);
  if (!activated.ok) return { kind: 'failed', message: activated.message };
  return { kind: 'promoted', version, report };
}

interface Prepared {
  readonly plan: TrainingPlan;
  readonly train: readonly DatasetLine[];
  readonly heldOut: readonly DatasetLine[];
}

/** The plan of a run that was cut short counts while all its examples are still there and the base is the same. */
async function prepare(deps: TrainingDeps, examples: readonly Example[]): Promise<Prepared> {
  const { folder, options, tokenizer, base } = deps;
  const byId = new Map(examples.map((example) => [example.id, example]));
  const earlier = await unfinishedRun(folder);
  const found = (ids: readonly string[]) => ids.flatMap((id) => byId.get(id) ?? []);
  const usable =
    earlier !== undefined &&
    earlier.baseSha256 === base.sha256 &&
    [...earlier.trainIds, ...earlier.heldOutIds].every((id) => byId.has(id)) &&
    earlier.frozen.every(({ id }) => deps.versions.find(id) !== undefined);
  if (!usable) {
    await discardRun(folder);
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const split = usable
    ? { train: found(earlier.trainIds), heldOut: found(earlier.heldOutIds) }
    : splitByTime(newestWithin(oldestFirst(examples), options.mostTokens, tokenizer));
  const seen = createSeenLines();
  const train = trainingLines(split.train, tokenizer, options.sequence, seen);
  const heldOut = heldOutLines(split.heldOut, tokenizer, options.sequence, seen);
  if (usable) return { plan: earlier, train, heldOut };
  const tokens = train.reduce((sum, line) => sum + line.tokens.length, 0);
  const plan: TrainingPlan = {
    ...{ format: 1, baseSha256: base.sha256, tokens, epochs: epochsFor(tokens), startedAtMs: deps.now() },
    trainIds: split.train.map(({ id }) => id),
    heldOutIds: split.heldOut.map(({ id }) => id),
    counts: countByKind(split.train),
    frozen: deps.versions
      .active(base.sha256)
      .filter(({ card }) => card.kind === 'team')
      .map(({ card, path, scale }) => ({ id: card.id, path, scale })),
  };
  await writeChecked(planFile(folder), plan);
  return { plan, train, heldOut };
}

type Stage<T> = ({ readonly kind: 'done' } & T) | Extract<TrainingOutcome, { kind: 'cancelled' | 'failed' }>;

async function train(
  deps: TrainingDeps,
  prepared: Prepared,
  output: string,
  signal: AbortSignal,
): Promise<Stage<object>> {
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

/** Also for adapters that came from elsewhere: judges a file on held-out examples and on generic code. */
export async function runGate(
  deps: TrainingDeps,
  candidate: string,
  heldOut: readonly DatasetLine[],
  signal: AbortSignal,
): Promise<Stage<{ readonly report: GateReport }>> {
  const { folder, tokenizer, options, versions, base } = deps;
  deps.onProgress({ phase: 'judging', step: 0, steps: 1, secondsLeft: undefined });
  const current = versions.active(base.sha256).map(({ path, scale }) => ({ path, scale }));
  const team = versions.active(base.sha256).find(({ card }) => card.kind === 'team');
  const trials = trialsOf(candidate, team);
  const stacks = [[], current, ...trials.map(({ stack }) => stack)];
  const losses = await evaluate(deps, join(folder, 'heldout.jsonl'), heldOut, stacks, signal);
  if (losses.kind !== 'done') return losses;
  const [baseLosses = [], currentLosses = [], ...others] = losses.losses;
  const tried = trials.map((trial, i) => ({ ...trial, losses: others[i] ?? [] }));
  const probe = plainLines(probeTexts, tokenizer, options.sequence);
  const heldOutTokens = labelled(heldOut);
  let report: GateReport | undefined;
  // Best first; a scale that forgets too much gives way to the next.
  for (const trial of tried.toSorted((a, b) => total(a.losses) - total(b.losses))) {
    const onProbe = await evaluate(deps, join(folder, 'probe.jsonl'), probe, [[], trial.stack], signal);
    if (onProbe.kind !== 'done') return onProbe;
    const [probeBase = [], probeCandidate = []] = onProbe.losses;
    const input = { heldOutTokens, base: baseLosses, current: currentLosses, trials: tried };
    const sums = { base: total(probeBase), candidate: total(probeCandidate), tokens: labelled(probe) };
    const next = judge(input, trial, sums, deps.now());
    if (report === undefined || next.verdict === 'better') report = next;
    if (next.verdict !== 'forgets' || next.forgetting <= mostForgetting) break;
  }
  return report === undefined
    ? { kind: 'failed', message: 'The candidate could not be judged.' }
    : { kind: 'done', report };
}

/** Beside the team's adapter at its scale, or without it. */
function trialsOf(candidate: string, team: { readonly path: string; readonly scale: number } | undefined) {
  const trial = (
    personal: number,
    teamScale: number,
  ): Omit<Trial, 'losses'> & { readonly stack: readonly AdapterUse[] } => ({
    scales: { team: teamScale, personal },
    stack: [
      ...(team === undefined || teamScale === 0 ? [] : [{ path: team.path, scale: teamScale }]),
      { path: candidate, scale: personal },
    ],
  });
  return [0.5, 1].map((personal) => trial(personal, team?.scale ?? 0));
}

async function evaluate(
  deps: TrainingDeps,
  data: string,
  lines: readonly DatasetLine[],
  stacks: readonly (readonly AdapterUse[])[],
  signal: AbortSignal,
): Promise<Stage<{ readonly losses: readonly Losses[] }>> {
  await writeLines(data, lines);
  const losses = stacks.map(() => new Array<number>(lines.length).fill(0));
  const request = { ...common(deps), data, sequence: deps.options.sequence, stacks: stacks.map((stack) => [...stack]) };
  const run = startTrainer(deps.host, trainerCommands.evaluate, request, signal, (event) => {
    const own = event.event === 'example' ? losses[event.stack] : undefined;
    if (event.event === 'example' && own !== undefined) own[event.example] = event.loss;
  });
  deps.onRun(run);
  const outcome = await run.outcome;
  deps.onRun(undefined);
  if (outcome.ok) return { kind: 'done', losses };
  return outcome.problem === 'cancelled' ? { kind: 'cancelled' } : { kind: 'failed', message: outcome.message };
}

function common({ modelPath, base, options }: TrainingDeps) {
  return { model: modelPath, modelSha256: base.sha256, threads: options.threads, lowPriority: true };
}

const planFile = (folder: string) => join(folder, 'plan.json');

async function writeLines(path: string, lines: readonly DatasetLine[]): Promise<void> {
  await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
}

function oldestFirst(examples: readonly Example[]): readonly Example[] {
  return examples.toSorted((a, b) => a.createdAtMs - b.createdAtMs);
}

function labelled(lines: readonly DatasetLine[]): number {
  return lines.reduce((sum, { labels }) => sum + labels.reduce((own, [from, to]) => own + to - from, 0), 0);
}

function total(losses: Losses): number {
  return losses.reduce((sum, loss) => sum + loss, 0);
}
