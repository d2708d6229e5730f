import { fromHex, hex } from '#protocol/federation/bytes.ts';
import type { Plan, RoundSettings } from '#protocol/federation/messages.ts';
import { type PricedPlan, planPrivacy } from '#protocol/federation/planPrivacy.ts';
import { updateLength } from '#protocol/federation/quantiser.ts';
import { modulusBits, packedBytes } from '#protocol/federation/ring.ts';
import type { Round } from '#protocol/federation/round.ts';
import { sha256 } from '#protocol/federation/signedMessage.ts';
import { sameAdapter } from '#protocol/federation/start.ts';
import { fittingBits, noiseVariance, sumBound } from '#protocol/federation/sumBound.ts';
import { privacySpentRdp } from '#protocol/privacy/accountant.ts';
import type { Budget } from '#protocol/privacy/budget.ts';
import type { RoundTerms } from '../policy/actions.ts';
import { type PolicyRefusal, refusalSentence } from '../policy/decisions.ts';
import type { PolicyService } from '../policy/policyService.ts';
import type { Enrolment } from './enrolment.ts';
import type { Forecast } from './forecast.ts';

/** Why a member takes no part in a plan that is right in form: its policy, its enrolment or its machine says no. */
export type PlanObjection =
  | { readonly kind: 'policy'; readonly refusal: PolicyRefusal }
  /** All rounds so far and this one would cost more than a cap of policy. */
  | { readonly kind: 'budget'; readonly budget: Extract<Budget, { readonly ok: false }> }
  /** By the forecast its noise costs this member more than the update gains. */
  | { readonly kind: 'noGain'; readonly forecast: Forecast }
  | { readonly kind: 'otherBase' }
  | { readonly kind: 'otherAdapter' }
  | { readonly kind: 'minimumTooLow'; readonly asked: number; readonly enrolled: number }
  | { readonly kind: 'mechanismNotEnrolled'; readonly mechanism: Plan['privacy']['mechanism'] }
  | { readonly kind: 'unknownParent' }
  | { readonly kind: 'wrongLength'; readonly planned: number; readonly own: number | undefined };

export interface PlanJudge {
  readonly policy: PolicyService;
  readonly enrolment: Enrolment;
  /** Of the model on this machine. */
  readonly baseSha256: string;
  readonly updateLength: (adapter: Plan['adapter']) => number | undefined;
  /** Of an update by the plan: of what it expands to, where the plan has a basis. */
  readonly wholeLength: number;
  /** Whether the plan starts from nothing, or from a start or a result that this member finds on the board. */
  readonly knowsParent: boolean;
}

/** The first reason against a plan; undefined where there is none. `openRound` comes before. */
export function planObjection(round: Round, judge: PlanJudge): PlanObjection | undefined {
  const { plan } = round;
  const { enrolment, policy } = judge;
  const decision = policy.decide({
    kind: 'round',
    ...roundTerms(plan, enrolment, packedBytes(round.length, round.modulusBits)),
  });
  if (!decision.permitted) return { kind: 'policy', refusal: decision.refusal };
  const { minimumCohort, privacyMechanisms } = enrolment.minimums;
  if (plan.minimumCohort < minimumCohort) {
    return { kind: 'minimumTooLow', asked: plan.minimumCohort, enrolled: minimumCohort };
  }
  const { mechanism } = plan.privacy;
  if (!privacyMechanisms.includes(mechanism)) return { kind: 'mechanismNotEnrolled', mechanism };
  const base = hex(plan.base);
  if (base !== enrolment.base.sha256 || base !== judge.baseSha256) return { kind: 'otherBase' };
  if (!sameAdapter(plan.adapter, enrolment.adapter)) return { kind: 'otherAdapter' };
  const own = judge.updateLength(plan.adapter);
  if (own !== judge.wholeLength) return { kind: 'wrongLength', planned: judge.wholeLength, own };
  return judge.knowsParent ? undefined : { kind: 'unknownParent' };
}

/**
 * What this machine's policy has against rounds of such settings, before there is a plan; other members' may say more.
 * `members` are in the team.
 */
export function settingsRefusal(
  settings: RoundSettings,
  members: number,
  { policy, enrolment }: Pick<PlanJudge, 'policy' | 'enrolment'>,
): PolicyRefusal | undefined {
  const { privacy, quantiser, minimumCohort } = settings;
  const cohort = Math.max(members, minimumCohort);
  const variance = noiseVariance(privacy);
  const bound = sumBound(cohort, fittingBits(quantiser, cohort, variance), variance);
  const bytes = packedBytes(updateLength(quantiser.segments), modulusBits(bound));
  const decision = policy.decide({ kind: 'round', ...roundTerms(settings, enrolment, bytes) });
  return decision.permitted ? undefined : decision.refusal;
}

/** What the round alone costs; without a mechanism it costs without end. */
export function epsilonOf(plan: PricedPlan): number {
  const privacy = planPrivacy(plan);
  return privacy === undefined ? Number.POSITIVE_INFINITY : privacySpentRdp([privacy.release], privacy.delta);
}

function roundTerms(plan: PricedPlan & Pick<Plan, 'adapter'>, enrolment: Enrolment, bytes: number): RoundTerms {
  const { minimums, coordinator } = enrolment;
  const { minimumCohort, privacy, adapter } = plan;
  return {
    minimums,
    coordinator: new URL(coordinator.url).origin,
    coordinatorKey: hex(sha256(fromHex(coordinator.key))),
    minimumCohort,
    mechanism: privacy.mechanism,
    epsilon: epsilonOf(plan),
    // Without a mechanism there is no delta to state.
    delta: privacy.mechanism === 'none' ? 0 : privacy.delta,
    rank: adapter.rank,
    targets: adapter.targets,
    bytes,
  };
}

export function objectionSentence(objection: PlanObjection): string {
  switch (objection.kind) {
    case 'policy':
      return refusalSentence(objection.refusal);
    case 'budget': {
      const { field, cap, wouldBe, left } = objection.budget;
      return `“${field}” is at most ${cap}; with this round epsilon would be ${wouldBe.toFixed(2)} (left: ${left.toFixed(2)}).`;
    }
    case 'noGain': {
      const { sentence, help } = objection.forecast;
      return help.length === 0 ? sentence : `${sentence} What would help: ${help.join('; ')}.`;
    }
    case 'otherBase':
      return 'The round is for another base model than the one in use here: choose the model that the team uses.';
    case 'otherAdapter':
      return 'The round trains another adapter than the enrolment says: ask the lead to enrol the repository again.';
    case 'minimumTooLow':
      return `The round goes on with ${objection.asked} members; the enrolment asks for ${objection.enrolled}.`;
    case 'mechanismNotEnrolled':
      return `The round's privacy mechanism “${objection.mechanism}” is not one that the enrolment names.`;
    case 'unknownParent':
      return 'The round starts from an adapter that this member could not verify.';
    case 'wrongLength':
      return `The round's update has ${objection.planned} values; this model's adapter has ${objection.own ?? 'none'}.`;
  }
}
