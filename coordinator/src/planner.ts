import { compareBytes, hex } from '#protocol/federation/bytes.ts';
import type { Membership } from '#protocol/federation/membership.ts';
import { maxMembers, type Plan, type RoundSettings } from '#protocol/federation/messages.ts';
import { fittingBits, noiseVariance } from '#protocol/federation/sumBound.ts';

export interface PlanContext {
  readonly federation: Uint8Array;
  readonly round: number;
  readonly parent: Uint8Array | null;
  readonly membership: Membership;
  /** When each member, by key in hex, made its last request. */
  readonly seenMs: ReadonlyMap<string, number>;
  readonly nowMs: number;
}

/** The plan that the lead's settings give with those who are there now; undefined where they are too few. */
export function planFrom(settings: RoundSettings, context: PlanContext): Plan | undefined {
  const { federation, round, parent, membership, nowMs } = context;
  const { quantiser, durationMs, seenWithinMs, ...alike } = settings;
  if (membership.roster === undefined) return undefined;
  const cohort = membership.roster.body.members
    .filter(({ key }) => nowMs - (context.seenMs.get(hex(key)) ?? Number.NEGATIVE_INFINITY) <= seenWithinMs)
    .flatMap(({ key }) => membership.cards.get(hex(key)) ?? [])
    .sort((a, b) => compareBytes(a.card.signer, b.card.signer))
    .slice(0, maxMembers);
  if (cohort.length < settings.minimumCohort) return undefined;
  const bits = fittingBits(quantiser, cohort.length, noiseVariance(settings.privacy));
  return {
    type: 'plan',
    federation,
    ...alike,
    round,
    roster: membership.roster.id,
    cohort: cohort.map(({ message }) => message),
    parent,
    quantiser: { bits, segments: quantiser.segments },
    deadlineMs: nowMs + durationMs,
  };
}
