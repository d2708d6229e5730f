import { roundTopic } from '#protocol/federation/board.ts';
import { hex } from '#protocol/federation/bytes.ts';
import type { FederationState } from '#protocol/federation/httpBoard.ts';
import { newestStart } from '#protocol/federation/start.ts';
import type { FederationStore, RoundRow } from './federationStore.ts';
import type { RoundKeeper } from './roundKeeper.ts';
import { startsOf } from './starts.ts';

/** What the views of members show of the newest round. Nothing is decided by it. */
export function stateOf(store: FederationStore, keeper: RoundKeeper, nowMs: number): FederationState {
  const { roster, joining } = store.membership();
  const last = store.rounds().at(-1);
  const start = newestStart(startsOf(store));
  return {
    members: roster?.body.members.length ?? 0,
    joining: joining.length,
    nextMs: store.schedule()?.nextMs ?? null,
    nowMs,
    round: last === undefined ? null : roundState(store, keeper, last),
    start: start === undefined ? null : { id: hex(start.id), description: start.body.description },
  };
}

function roundState(store: FederationStore, { rounds }: RoundKeeper, row: RoundRow): FederationState['round'] {
  const round = rounds.open(row);
  const count = (part: 'uploads' | 'releases') => store.addresses(roundTopic(round.id, part)).length;
  const votes = rounds.votes(round).map(({ body }) => body.adopt);
  return {
    number: row.number,
    plan: hex(row.plan),
    phase: phaseOf(row),
    deadlineMs: round.plan.deadlineMs,
    cohort: round.cohort.length,
    uploaded: count('uploads'),
    released: count('releases'),
    threshold: round.threshold,
    votesFor: votes.filter(Boolean).length,
    votesAgainst: votes.filter((adopt) => !adopt).length,
    reason: row.outcome === 'published' ? null : row.outcome,
  };
}

function phaseOf({ outcome, survivorsMs }: RoundRow): 'uploads' | 'releases' | 'published' | 'failed' {
  if (outcome !== null) return outcome === 'published' ? 'published' : 'failed';
  return survivorsMs === null ? 'uploads' : 'releases';
}
