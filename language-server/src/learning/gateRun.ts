import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdapterKind, GateReport } from './adapterCard.ts';
import type { ActiveAdapter, AdapterBase, AdapterVersions } from './adapterVersions.ts';
import { type DatasetLine, firstTokens, labelledTokens, plainLines, type Tokenizer } from './dataset.ts';
import { fillIn } from './exampleLosses.ts';
import { isClearlyBetter, judge, type Losses, mostForgetting, type Scales, type Trial, totalLoss } from './gate.ts';
import { probeTexts } from './probeTexts.ts';
import { startTrainer, type TrainerHost, type TrainerRun } from './trainer.ts';
import { type AdapterUse, trainerCommands } from './trainerMessages.ts';
import type { TrainingOptions } from './trainingPlan.ts';

export interface GateDeps {
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

/** A step of a run that may be cut short. */
export type Stage<T> =
  | ({ readonly kind: 'done' } & T)
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly message: string };

export interface Candidate {
  readonly path: string;
  readonly kind: AdapterKind;
}

export interface Judged {
  readonly report: GateReport;
  /** What the candidate would replace, where it is clearly worse than nothing on the held-out examples. */
  readonly hurts: ActiveAdapter | undefined;
}

/** Judges an adapter's file, wherever it came from, on held-out examples and on generic code. */
export async function runGate(
  deps: GateDeps,
  candidate: Candidate,
  heldOut: readonly DatasetLine[],
  signal: AbortSignal,
): Promise<Stage<Judged>> {
  const { folder, tokenizer, options, versions, base } = deps;
  deps.onProgress({ phase: 'judging', step: 0, steps: 1, secondsLeft: undefined });
  const active = versions.active(base.sha256);
  const trials = trialsOf(candidate, active);
  const [own] = active.filter(({ card }) => card.kind === candidate.kind);
  const without = active.filter((each) => each !== own);
  const stacks = [[], active.map(use), without.map(use), ...trials.map(({ stack }) => stack)];
  const losses = await evaluate(deps, join(folder, 'heldout.jsonl'), heldOut, stacks, signal);
  if (losses.kind !== 'done') return losses;
  const [baseLosses = [], current = [], withoutOwn = [], ...others] = losses.losses;
  const tried = trials.map((trial, i) => ({ ...trial, losses: others[i] ?? [] }));
  const input = {
    heldOutTokens: labelledTokens(heldOut),
    ...{ base: baseLosses, current, without: withoutOwn, trials: tried },
  };
  const probe = firstTokens(plainLines(probeTexts, tokenizer, options.sequence), options.probeTokens);
  let report: GateReport | undefined;
  // Best first; a scale that forgets too much gives way to the next.
  for (const trial of tried.toSorted((a, b) => totalLoss(a.losses) - totalLoss(b.losses))) {
    const onProbe = await evaluate(deps, join(folder, 'probe.jsonl'), probe, [[], trial.stack], signal);
    if (onProbe.kind !== 'done') return onProbe;
    const [probeBase = [], probeCandidate = []] = onProbe.losses;
    const sums = { base: totalLoss(probeBase), candidate: totalLoss(probeCandidate), tokens: labelledTokens(probe) };
    const next = judge(input, trial, sums, deps.now());
    if (report === undefined || next.verdict === 'better') report = next;
    if (next.forgetting <= mostForgetting) break;
  }
  if (report === undefined) return { kind: 'failed', message: 'The candidate could not be judged.' };
  return { kind: 'done', report, hurts: isClearlyBetter(current, withoutOwn, 1) ? own : undefined };
}

type UntriedTrial = Omit<Trial, 'losses'> & { readonly stack: readonly AdapterUse[] };

/** At half and at full scale, together with what is active in the other slot. */
function trialsOf({ path, kind }: Candidate, active: readonly ActiveAdapter[]): UntriedTrial[] {
  const other = active.find(({ card }) => card.kind !== kind);
  const [team, personal] = kind === 'team' ? [0, other?.scale ?? 0] : [other?.scale ?? 0, 0];
  return [0.5, 1].map((scale) => {
    const scales: Scales = { team, personal, [kind]: scale };
    const own = { path, scale };
    const beside = other === undefined ? [] : [use(other)];
    return { scales, stack: kind === 'team' ? [own, ...beside] : [...beside, own] };
  });
}

async function evaluate(
  deps: GateDeps,
  data: string,
  lines: readonly DatasetLine[],
  stacks: readonly (readonly AdapterUse[])[],
  signal: AbortSignal,
): Promise<Stage<{ readonly losses: readonly Losses[] }>> {
  await writeLines(data, lines);
  const losses = stacks.map(() => new Array<number>(lines.length).fill(0));
  const request = { ...common(deps), data, sequence: deps.options.sequence, stacks: stacks.map((stack) => [...stack]) };
  const run = startTrainer(deps.host, trainerCommands.evaluate, request, signal, fillIn(losses));
  deps.onRun(run);
  const outcome = await run.outcome;
  deps.onRun(undefined);
  if (outcome.ok) return { kind: 'done', losses };
  return outcome.problem === 'cancelled' ? { kind: 'cancelled' } : { kind: 'failed', message: outcome.message };
}

/** What every request of a run says. */
export function common({ modelPath, base, options }: GateDeps) {
  const { threads, device, lowPriority } = options;
  return { model: modelPath, modelSha256: base.sha256, threads, device, lowPriority };
}

export async function writeLines(path: string, lines: readonly DatasetLine[]): Promise<void> {
  await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
}

function use({ path, scale }: { readonly path: string; readonly scale: number }): AdapterUse {
  return { path, scale };
}
