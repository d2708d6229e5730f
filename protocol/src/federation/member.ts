import { sameBytes } from './bytes.ts';
import type { KeyPair } from './keys.ts';
import { accept, type Outcome, refuse } from './refusal.ts';
import { type CohortMember, memberByKey, type Round } from './round.ts';

/** The secrets of one member: its name's, and those of the card that it uses now. */
export interface MemberKeys {
  readonly signing: KeyPair;
  readonly generation: number;
  readonly agreement: KeyPair;
  readonly sealing: KeyPair;
}

/** What a member has made for a round, kept so that a repetition is the same bytes. */
export interface PreparedUpload {
  readonly payload: Uint8Array;
  readonly message: Uint8Array;
}

/**
 * What a member must not forget, per federation. Each call is durable before it resolves, and the first claim wins: a
 * later one gets what is on record, and changes nothing.
 */
export interface MemberMemory {
  /** Puts a plan on record unless a round of this or a higher number is there; gives the highest round on record. */
  claimRound(claim: RoundClaim, signal: AbortSignal): Promise<RoundClaim>;
  /** The plan that was put on record for a round. */
  acceptedPlan(round: number, signal: AbortSignal): Promise<Uint8Array | undefined>;
  claimUpload(planId: Uint8Array, upload: PreparedUpload, signal: AbortSignal): Promise<PreparedUpload>;
  uploadFor(planId: Uint8Array, signal: AbortSignal): Promise<PreparedUpload | undefined>;
  /** The survivor set that this member has answered in a round, by its message's id. */
  claimSurvivors(round: number, id: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
}

export interface RoundClaim {
  readonly round: number;
  readonly plan: Uint8Array;
}

/** What a member asks of any plan; a policy may ask more. */
export interface MemberTerms {
  readonly minimumCohort: number;
}

export type AcceptRefusal = 'notInCohort' | 'ownKeySwapped' | 'minimumTooLow' | 'replayedRound' | 'secondPlan';

/** A member's own checks of a plan, and the promise to take part in no other of this round. Gives its place. */
export async function acceptRound(
  round: Round,
  keys: MemberKeys,
  terms: MemberTerms,
  memory: MemberMemory,
  signal: AbortSignal,
): Promise<Outcome<CohortMember, AcceptRefusal>> {
  const self = memberByKey(round, keys.signing.publicKey);
  if (self === undefined) return refuse('notInCohort');
  if (!holdsCard(self, keys)) return refuse('ownKeySwapped', [self.index]);
  if (round.plan.minimumCohort < terms.minimumCohort) return refuse('minimumTooLow');
  const recorded = await memory.claimRound({ round: round.plan.round, plan: round.id }, signal);
  if (recorded.round > round.plan.round) return refuse('replayedRound');
  return sameBytes(recorded.plan, round.id) ? accept(self) : refuse('secondPlan');
}

function holdsCard(self: CohortMember, keys: MemberKeys): boolean {
  return (
    self.generation === keys.generation &&
    sameBytes(self.agreementKey, keys.agreement.publicKey) &&
    sameBytes(self.sealingKey, keys.sealing.publicKey)
  );
}
