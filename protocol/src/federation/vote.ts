import { sameBytes } from './bytes.ts';
import { type Vote, voteSchema } from './messages.ts';
import { accept, type MessageRefusal, type Outcome, refuse } from './refusal.ts';
import { type CohortMember, memberByKey, type Round } from './round.ts';
import { openMessage, type Signed } from './signedMessage.ts';

export interface CheckedVote extends Signed<Vote> {
  readonly member: CohortMember;
}

/** A vote of the cohort on this round's result. */
export function openVote(
  message: Uint8Array,
  round: Round,
  result: Uint8Array,
): Outcome<CheckedVote, MessageRefusal | 'stranger' | 'unknownResult'> {
  const signed = openMessage(message, voteSchema, { federation: round.anchors.federation });
  if (!signed.ok) return signed;
  const member = memberByKey(round, signed.value.signer);
  if (member === undefined) return refuse('stranger');
  if (!sameBytes(signed.value.body.result, result)) return refuse('unknownResult', [member.index]);
  return accept({ ...signed.value, member });
}

/** Whether more of the votes are against than for; of a member that voted twice the first counts. */
export function isVotedDown(votes: readonly CheckedVote[]): boolean {
  const byMember = new Map<number, boolean>();
  for (const { member, body } of votes) if (!byMember.has(member.index)) byMember.set(member.index, body.adopt);
  const against = [...byMember.values()].filter((adopt) => !adopt).length;
  return against > byMember.size - against;
}
