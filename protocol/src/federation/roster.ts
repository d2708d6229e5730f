import { compareBytes, sameBytes } from './bytes.ts';
import { type Roster, rosterSchema } from './messages.ts';
import { accept, type MessageRefusal, type Outcome, refuse } from './refusal.ts';
import type { Anchors } from './round.ts';
import { openMessage, type Signed } from './signedMessage.ts';

export type RosterRefusal = MessageRefusal | 'rosterRollback' | 'rosterForked' | 'rosterOrder';

/** Accepts a roster that is not older than `newest`, the newest one accepted before. */
export function openRoster(
  message: Uint8Array,
  anchors: Anchors,
  newest: Signed<Roster> | undefined,
): Outcome<Signed<Roster>, RosterRefusal> {
  const signed = openMessage(message, rosterSchema, { federation: anchors.federation, signer: anchors.lead });
  if (!signed.ok) return signed;
  const { members, version } = signed.value.body;
  if (members.some(({ key }, i) => i > 0 && compareBytes(members[i - 1]?.key ?? key, key) >= 0)) {
    return refuse('rosterOrder');
  }
  if (newest === undefined || version > newest.body.version) return signed;
  if (version < newest.body.version) return refuse('rosterRollback');
  return sameBytes(signed.value.id, newest.id) ? accept(newest) : refuse('rosterForked');
}
