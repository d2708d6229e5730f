import type { GateReport } from './adapterCard.ts';
import { type LossPair, pairedBootstrap } from './pairedBootstrap.ts';

/** The loss of each held-out example, summed over its labelled tokens, in nats. */
export type Losses = readonly number[];

export interface Scales {
  readonly team: number;
  readonly personal: number;
}

/** A way to apply the candidate, and its losses. */
export interface Trial {
  readonly scales: Scales;
  readonly losses: Losses;
}

export interface GateInput {
  readonly heldOutTokens: number;
  readonly base: Losses;
  /** What is active now. */
  readonly current: Losses;
  /** What is active now without what the candidate would replace. */
  readonly without: Losses;
  readonly trials: readonly Trial[];
}

/** Fewer held-out examples than this prove nothing. */
export const leastHeldOut = 4;
const confidence = 0.95;
export const mostForgetting = 0.02;

/** The trial with the least loss on held-out examples. */
export function bestTrial(trials: readonly Trial[]): Trial | undefined {
  return trials.reduce<Trial | undefined>(
    (best, trial) => (best === undefined || totalLoss(trial.losses) < totalLoss(best.losses) ? trial : best),
    undefined,
  );
}

/**
 * Judges a candidate at its best scales, against what is active or, where that has come to hurt, what is active without it:
 * better only if the lower end of the paired bootstrap's interval is above 0, and generic code is forgotten by at most 2 %. The best of several scales looks better than it is, so the interval is widened
 * by their number (Bonferroni). `probe` are the losses on generic code, by the base model and by the candidate.
 */
export function judge(input: GateInput, best: Trial, probe: ProbeLosses, now: number): GateReport {
  const { pairs, gain, low } = interval(toBeat(input), best.losses, input.trials.length);
  const forgetting = probe.base === 0 ? 0 : probe.candidate / probe.base - 1;
  return {
    verdict: verdict(pairs.length, low, forgetting),
    decidedAtMs: now,
    heldOutExamples: pairs.length,
    heldOutTokens: input.heldOutTokens,
    probeTokens: probe.tokens,
    baseLoss: totalLoss(input.base) / input.heldOutTokens,
    currentLoss: totalLoss(input.current) / input.heldOutTokens,
    candidateLoss: totalLoss(best.losses) / input.heldOutTokens,
    gain,
    gainLow: low,
    forgetting,
    scales: best.scales,
  };
}

function toBeat({ current, without }: GateInput): Losses {
  return totalLoss(without) < totalLoss(current) ? without : current;
}

/** Whether what is added earns its place: more than chance on enough examples, of so many ways that are tried. */
export function isClearlyBetter(before: Losses, after: Losses, tries: number): boolean {
  const { pairs, low } = interval(before, after, tries);
  return pairs.length >= leastHeldOut && low > 0;
}

export interface ProbeLosses {
  readonly base: number;
  readonly candidate: number;
  readonly tokens: number;
}

function interval(before: Losses, after: Losses, tries: number) {
  const pairs: LossPair[] = before.map((loss, i) => ({ before: loss, after: after[i] ?? loss }));
  const wide = 1 - (1 - confidence) / Math.max(1, tries);
  return { pairs, ...pairedBootstrap(pairs, { confidence: wide, resamples: 4000 }) };
}

function verdict(examples: number, gainLow: number, forgetting: number): GateReport['verdict'] {
  if (examples < leastHeldOut) return 'tooFew';
  if (!(gainLow > 0)) return 'notBetter';
  return forgetting <= mostForgetting ? 'better' : 'forgets';
}

/** In nats. */
export function totalLoss(losses: Losses): number {
  return losses.reduce((sum, loss) => sum + loss, 0);
}
