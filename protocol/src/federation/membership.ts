import { compareBytes, hex, sameBytes } from './bytes.ts';
import type { KeyPair } from './keys.ts';
import {
  type Card,
  type CommandAction,
  cardSchema,
  type Join,
  joinSchema,
  leaveSchema,
  maxMembers,
  type Roster,
} from './messages.ts';
import { openRoster } from './roster.ts';
import type { Anchors } from './round.ts';
import { openMessage, type Signed, signMessage } from './signedMessage.ts';

/** What the messages of the topic `membership` say together, in whatever order they are read. */
export interface Membership {
  readonly roster: Signed<Roster> | undefined;
  /** By key in hex: the newest card of each signer, with the message as it stands in plans; none of a signer that left. */
  readonly cards: ReadonlyMap<string, { readonly message: Uint8Array; readonly card: Signed<Card> }>;
  /** Who asks to be let in and is not in the roster. */
  readonly joining: readonly Signed<Join>[];
}

/** Messages of the topic taken one by one, each opened once. */
export interface MembershipReader {
  add(message: Uint8Array): void;
  /** What those added so far say together. */
  membership(): Membership;
}

/** `known` is the newest roster accepted before: an older one, or another of its version, never takes its place. */
export function readMembership(messages: readonly Uint8Array[], anchors: Anchors, known?: Signed<Roster>): Membership {
  const reader = membershipReader(anchors, known);
  for (const message of messages) reader.add(message);
  return reader.membership();
}

export function membershipReader(anchors: Anchors, known?: Signed<Roster>): MembershipReader {
  const { federation } = anchors;
  let roster = known;
  const newestCards = new Map<string, { readonly message: Uint8Array; readonly card: Signed<Card> }>();
  const left = new Map<string, number>();
  const joins = new Map<string, Signed<Join>>();
  return {
    add(message) {
      const newer = openRoster(message, anchors, roster);
      if (newer.ok) roster = newer.value;
      if (newer.ok || newer.refusal !== 'wrongSigner') return;
      const card = openMessage(message, cardSchema, { federation });
      const leave = openMessage(message, leaveSchema, { federation });
      const join = openMessage(message, joinSchema, { federation });
      if (card.ok) {
        const name = hex(card.value.signer);
        const other = newestCards.get(name)?.card.body.generation ?? -1;
        if (card.value.body.generation > other) newestCards.set(name, { message, card: card.value });
      } else if (leave.ok) {
        const name = hex(leave.value.signer);
        left.set(name, Math.max(left.get(name) ?? -1, leave.value.body.generation));
      } else if (join.ok && !joins.has(hex(join.value.signer))) joins.set(hex(join.value.signer), join.value);
    },
    membership() {
      const stayed = [...newestCards].filter(([name, { card }]) => card.body.generation > (left.get(name) ?? -1));
      const joining = [...joins.values()].filter(({ signer }) => !isInRoster(roster, signer));
      return { roster, cards: new Map(stayed), joining };
    },
  };
}

export function isInRoster(roster: Signed<Roster> | undefined, key: Uint8Array): boolean {
  return roster?.body.members.some((member) => sameBytes(member.key, key)) ?? false;
}

export type RosterChange =
  | { readonly kind: 'approve'; readonly key: Uint8Array; readonly name: string }
  | { readonly kind: 'remove'; readonly key: Uint8Array };

/** The next roster, signed by the lead; undefined where it would hold more than the largest team. */
export function nextRoster(
  federation: Uint8Array,
  previous: Signed<Roster> | undefined,
  change: RosterChange,
  lead: KeyPair,
): Uint8Array | undefined {
  const others = (previous?.body.members ?? []).filter(({ key }) => !sameBytes(key, change.key));
  const members = change.kind === 'approve' ? [...others, { key: change.key, name: change.name }] : others;
  if (members.length > maxMembers) return undefined;
  const body: Roster = {
    type: 'roster',
    federation,
    version: (previous?.body.version ?? 0) + 1,
    previous: previous?.id ?? null,
    members: members.sort((a, b) => compareBytes(a.key, b.key)),
  };
  return signMessage(body, lead);
}

/** `sequence` is the lead's clock in milliseconds: it rises without anything to remember. */
export function leadCommand(
  federation: Uint8Array,
  sequence: number,
  action: CommandAction,
  lead: KeyPair,
): Uint8Array {
  return signMessage({ type: 'command', federation, sequence, action }, lead);
}
