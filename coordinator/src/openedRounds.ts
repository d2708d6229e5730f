import { membershipTopic, roundsTopic, roundTopic } from '#protocol/federation/board.ts';
import { hex, sameBytes } from '#protocol/federation/bytes.ts';
import { type Result, resultSchema } from '#protocol/federation/messages.ts';
import { openRoster } from '#protocol/federation/roster.ts';
import { openRound, type Round } from '#protocol/federation/round.ts';
import { claimedId, openMessage, type Signed } from '#protocol/federation/signedMessage.ts';
import { newestStart, type StartShape } from '#protocol/federation/start.ts';
import { type CheckedVote, isVotedDown, openVote } from '#protocol/federation/vote.ts';
import type { FederationStore, RoundRow } from './federationStore.ts';
import { startsOf } from './starts.ts';

/** Rounds of one federation, opened once: a graph of hundreds of members takes a while to draw. */
export interface OpenedRounds {
  open(row: RoundRow): Round;
  byPlan(plan: Uint8Array): { readonly row: RoundRow; readonly round: Round } | undefined;
  /** The id of a round's result, and its votes. */
  result(round: Round): Uint8Array | undefined;
  votes(round: Round): readonly CheckedVote[];
  /** The hash of the sum that a round published. */
  sum(plan: Uint8Array): Uint8Array | undefined;
  /** What the next plan, of this shape, starts from: docs/protocol.md, “Start”. */
  nextParent(shape: StartShape): Uint8Array | null;
}

/** Rounds kept open: the one that goes on, and those whose votes still come in. */
const keptOpen = 4;

export function openedRounds(store: FederationStore): OpenedRounds {
  const { anchors } = store;
  const opened = new Map<string, Round>();

  function open({ plan, number }: RoundRow): Round {
    const known = opened.get(hex(plan));
    if (known !== undefined) return known;
    const message = store.topic(roundsTopic).find(({ bytes }) => hex(claimedId(bytes) ?? bytes) === hex(plan));
    const round = message === undefined ? undefined : openedFrom(message.bytes, store);
    // The coordinator wrote it itself, in the same transaction as the row.
    if (round === undefined) throw new Error(`The plan of round ${number} is not in the database: it is damaged.`);
    const oldest = opened.size >= keptOpen ? opened.keys().next().value : undefined;
    if (oldest !== undefined) opened.delete(oldest);
    opened.set(hex(plan), round);
    return round;
  }

  function published(plan: Uint8Array): Signed<Result> | undefined {
    for (const { bytes } of store.topic(roundTopic(plan, 'outcome'))) {
      const signed = openMessage(bytes, resultSchema, { federation: anchors.federation, signer: anchors.coordinator });
      if (signed.ok) return signed.value;
    }
    return undefined;
  }
  const result = (round: Round): Uint8Array | undefined => published(round.id)?.id;

  function votes(round: Round): readonly CheckedVote[] {
    const about = result(round);
    if (about === undefined) return [];
    return store.topic(roundTopic(round.id, 'votes')).flatMap(({ bytes }) => {
      const vote = openVote(bytes, round, about);
      return vote.ok ? [vote.value] : [];
    });
  }

  return {
    open,
    byPlan(plan) {
      const row = store.rounds().find((each) => sameBytes(each.plan, plan));
      return row === undefined ? undefined : { row, round: open(row) };
    },
    result,
    votes,
    sum: (plan) => published(plan)?.body.sum,
    nextParent(shape) {
      const starts = startsOf(store);
      const last = store
        .rounds()
        .filter(({ outcome }) => outcome === 'published')
        .at(-1);
      const parent = last === undefined ? null : parentAfter(open(last));
      const isResult = parent !== null && !starts.some(({ id }) => sameBytes(id, parent));
      return isResult ? parent : (newestStart(starts, shape)?.id ?? null);
    },
  };

  function parentAfter(round: Round): Uint8Array | null {
    return isVotedDown(votes(round)) ? round.plan.parent : (result(round) ?? null);
  }
}

/** A round from its plan's message: the roster is the one that the plan names, which need not be the newest any more. */
export function openedFrom(plan: Uint8Array, store: FederationStore): Round | undefined {
  for (const { bytes } of store.topic(membershipTopic)) {
    const roster = openRoster(bytes, store.anchors, undefined);
    const round = roster.ok ? openRound(plan, store.anchors, roster.value) : roster;
    if (round.ok) return round.value;
  }
  return undefined;
}
