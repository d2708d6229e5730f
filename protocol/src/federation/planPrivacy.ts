import { randomBytes } from 'node:crypto';
import type { Release } from '../privacy/mechanism.ts';
import type { Plan } from './messages.ts';
import { largestLevel, type Quantised, quantise, updateLength } from './quantiser.ts';
import { accept, type Outcome, refuse } from './refusal.ts';
import { signedLane } from './ring.ts';
import { quantiserOf, type Round } from './round.ts';
import { addSkellamNoise } from './skellam.ts';

/** What a round costs a member, for the accountant and the ledger of what was spent. */
export interface PlanPrivacy {
  readonly unit: 'record' | 'member';
  readonly delta: number;
  readonly release: Release;
}

/** What a plan's price depends on: a round's settings have it too. */
export type PricedPlan = Pick<Plan, 'privacy' | 'training' | 'minimumCohort' | 'quantiser' | 'clipNorm'>;
/** What the norms of a member's levels depend on. */
export type Measure = Pick<Plan, 'quantiser' | 'clipNorm'>;

/**
 * Undefined without privacy: such a round has an infinite epsilon. Under the client-level mechanism only the noise counts
 * that is sure to be in the sum: of the smallest cohort that may be summed, less the third that might tell its noise.
 */
export function planPrivacy(plan: PricedPlan): PlanPrivacy | undefined {
  const { privacy, training, minimumCohort } = plan;
  switch (privacy.mechanism) {
    case 'none':
      return undefined;
    case 'record': {
      const { noiseMultiplier, sampleRate, delta } = privacy;
      const mechanism = { kind: 'gaussian', noiseMultiplier, samplingRate: sampleRate } as const;
      return { unit: 'record', delta, release: { mechanism, steps: training.steps } };
    }
    case 'client': {
      const variance = privacy.memberVariance * honestMembers(minimumCohort);
      const mechanism = { kind: 'skellamVector', variance, ...sensitivities(plan), samplingRate: 1 } as const;
      return { unit: 'member', delta: privacy.delta, release: { mechanism, steps: 1 } };
    }
  }
}

/** Of the members of a sum, those whose noise the coordinator is taken not to know. */
export function honestMembers(cohort: number): number {
  return cohort - Math.floor(cohort / 3);
}

/** Norms of one member's levels, in levels, as `quantiseForPlan` holds them. */
export function sensitivities(plan: Measure): { readonly l1Sensitivity: number; readonly l2Sensitivity: number } {
  const l2Sensitivity = Math.sqrt(largestSquares(plan));
  const length = updateLength(plan.quantiser.segments);
  // Integers: no coordinate's absolute value is above its square.
  const l1Sensitivity = Math.min(Math.sqrt(length) * l2Sensitivity, l2Sensitivity ** 2);
  return { l1Sensitivity, l2Sensitivity };
}

/**
 * What a member sends, before masks: clipped, rounded, and with its share of the noise where the plan asks for it. Rounding
 * can lengthen an update; one that came out longer than the accountant assumes is rounded anew (conditional randomised
 * rounding: Kairouz, Liu, Steinke 2021, arXiv 2102.06387, Proposition 22, with beta = exp(-1/2)).
 */
export function quantiseForPlan(
  round: Round,
  update: Float32Array,
  weight: number,
): Outcome<Quantised, 'updateSize' | 'updateNotFinite' | 'weightRange' | 'updateTooLong'> {
  const { privacy } = round.plan;
  const spec = quantiserOf(round);
  if (privacy.mechanism !== 'client') return quantise(update, weight, spec, freshSeed());
  const most = largestSquares(round.plan);
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const quantised = quantise(update, weight, spec, freshSeed());
    if (!quantised.ok) return quantised;
    const { vector } = quantised.value;
    let squares = 0;
    for (let i = 0; i < vector.lanes.length; i++) squares += signedLane(vector, i) ** 2;
    if (squares > most) continue;
    addSkellamNoise(vector, privacy.memberVariance, freshSeed());
    return accept(quantised.value);
  }
  return refuse('updateTooLong');
}

/** Each attempt succeeds with a probability of at least 1 - exp(-1/2). */
const mostAttempts = 100;

function largestSquares({ quantiser, clipNorm }: Measure): number {
  const length = updateLength(quantiser.segments);
  // Levels are finest where the range is smallest, so the clip norm is most levels there.
  const finest = Math.min(...quantiser.segments.map(({ range }) => range)) / largestLevel(quantiser.bits);
  const clip = clipNorm / finest;
  const sure = (clip + Math.sqrt(length)) ** 2;
  const likely = clip ** 2 + length / 4 + clip + Math.sqrt(length) / 2;
  return Math.min(sure, likely);
}

function freshSeed(): Uint8Array {
  return new Uint8Array(randomBytes(32));
}
