import {
  type BulletinBoard,
  membershipTopic,
  readChecked,
  readTopic,
  roundsTopic,
  roundTopic,
} from '#protocol/federation/board.ts';
import { hex, sameBytes } from '#protocol/federation/bytes.ts';
import { isInRoster, type Membership, readMembership } from '#protocol/federation/membership.ts';
import {
  type Failure,
  failureSchema,
  planSchema,
  type Result,
  type Roster,
  type Start,
} from '#protocol/federation/messages.ts';
import { accept, type Outcome, type Refusal, refuse } from '#protocol/federation/refusal.ts';
import { checkSum, openResult } from '#protocol/federation/result.ts';
import type { RingVector } from '#protocol/federation/ring.ts';
import { openRoster } from '#protocol/federation/roster.ts';
import { type Anchors, openRound, type Round } from '#protocol/federation/round.ts';
import { openMessage, type Signed } from '#protocol/federation/signedMessage.ts';
import { readStarts } from '#protocol/federation/startFile.ts';
import { openSurvivors } from '#protocol/federation/survivors.ts';

/** What the board says of a federation's membership and rounds, every signature checked. */
export interface FederationLog {
  readonly membership: Membership;
  /** The newest roster's message, where this reading found it. */
  readonly rosterMessage: Uint8Array | undefined;
  /** Plans signed by the coordinator, ascending by round. */
  readonly plans: readonly Signed<PlanHead>[];
  /** Signed by the lead; their values are checked by the team's chain. */
  readonly starts: readonly Signed<Start>[];
  /** A plan opened against the roster that it names. */
  open(plan: Signed<PlanHead>): Outcome<Round>;
}

export interface PlanHead {
  readonly round: number;
  readonly parent: Uint8Array | null;
  readonly federation: Uint8Array;
}

export async function readLog(
  board: BulletinBoard,
  anchors: Anchors,
  known: Signed<Roster> | undefined,
  self: Uint8Array,
  signal: AbortSignal,
): Promise<FederationLog> {
  const messages = await readTopic(board, membershipTopic, signal);
  const membership = readMembership(messages, anchors, known);
  const byId = new Map<string, Uint8Array>();
  const plans: Signed<PlanHead>[] = [];
  // Rounds and starts are shown to members only.
  const isInside = isInRoster(membership.roster, self);
  const planMessages = isInside ? await readTopic(board, roundsTopic, signal) : [];
  for (const message of planMessages) {
    const plan = openMessage(message, planSchema, { federation: anchors.federation, signer: anchors.coordinator });
    if (!plan.ok) continue;
    byId.set(hex(plan.value.id), message);
    plans.push(plan.value);
  }
  const starts = isInside ? await readStarts(board, anchors, signal) : [];
  const rosters = messages.flatMap((message) => {
    const roster = openRoster(message, anchors, undefined);
    return roster.ok ? [{ message, roster: roster.value }] : [];
  });
  const { roster: newest } = membership;
  return {
    membership,
    rosterMessage: rosters.find(({ roster }) => newest !== undefined && sameBytes(roster.id, newest.id))?.message,
    plans: plans.sort((a, b) => a.body.round - b.body.round),
    starts,
    open(plan) {
      const message = byId.get(hex(plan.id));
      if (message === undefined) return refuse('unknownPlan');
      let first: Outcome<Round> = refuse('wrongRoster');
      for (const { roster } of rosters) {
        first = openRound(message, anchors, roster);
        if (first.ok || first.refusal !== 'wrongRoster') return first;
      }
      return first;
    },
  };
}

/** How a round ended, as its board says and this member has checked. */
export type RoundEnd =
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly reason: Failure['reason'] }
  | {
      readonly kind: 'published';
      readonly result: Signed<Result>;
      readonly sum: RingVector;
      readonly survivors: number;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export async function readEnd(board: BulletinBoard, round: Round, signal: AbortSignal): Promise<RoundEnd> {
  const { federation, coordinator } = round.anchors;
  for (const message of await readTopic(board, roundTopic(round.id, 'outcome'), signal)) {
    const failure = openMessage(message, failureSchema, { federation, signer: coordinator });
    if (failure.ok) return { kind: 'failed', reason: failure.value.body.reason };
    const published = await readPublished(board, round, message, signal);
    return published.ok ? { kind: 'published', ...published.value } : { kind: 'refused', refusal: published.refusal };
  }
  return { kind: 'open' };
}

async function readPublished(board: BulletinBoard, round: Round, message: Uint8Array, signal: AbortSignal) {
  let named: Outcome<{ readonly result: Signed<Result>; readonly sum: RingVector; readonly survivors: number }> =
    refuse('wrongSurvivors');
  for (const set of await readTopic(board, roundTopic(round.id, 'survivors'), signal)) {
    const survivors = openSurvivors(set, round);
    const result = survivors.ok ? openResult(message, round, survivors.value) : survivors;
    if (!survivors.ok || !result.ok) {
      named = result.ok ? refuse('wrongSurvivors') : result;
      continue;
    }
    const blob = await readChecked(board, result.value.body.sum, signal);
    const sum = checkSum(blob ?? new Uint8Array(0), result.value.body, round, survivors.value.body);
    if (!sum.ok) return sum;
    const count = survivors.value.body.survivors.length;
    return accept({ result: result.value, sum: sum.value, survivors: count });
  }
  return named;
}
