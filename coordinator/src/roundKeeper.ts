import { type BulletinBoard, roundsTopic, roundTopic } from '#protocol/federation/board.ts';
import { hex } from '#protocol/federation/bytes.ts';
import { closeUploads, finishRound, gatherReleases, namedSurvivors } from '#protocol/federation/coordinatorRound.ts';
import type { KeyPair } from '#protocol/federation/keys.ts';
import { type Failure, failureSchema, type RoundSettings, resultSchema } from '#protocol/federation/messages.ts';
import { type PlanBasisRefusal, parentShape } from '#protocol/federation/planBasis.ts';
import type { Round } from '#protocol/federation/round.ts';
import { openMessage, sha256, signMessage } from '#protocol/federation/signedMessage.ts';
import type { AuditLog } from './audit.ts';
import type { BlobStore } from './blobStore.ts';
import type { Database } from './database.ts';
import type { FederationStore, RoundOutcome, RoundRow } from './federationStore.ts';
import { type OpenedRounds, openedFrom, openedRounds } from './openedRounds.ts';
import { planFrom } from './planner.ts';
import { startsOf } from './starts.ts';

/**
 * Moves the rounds of one federation on. What a round has come to is read from the database each time, and each step is
 * one transaction: after kill -9 the next call does what is left.
 */
export interface RoundKeeper {
  readonly rounds: OpenedRounds;
  /** Does every step that can be done now. Calls never overlap. */
  advance(signal: AbortSignal): Promise<void>;
  /** The plan is on the board when this returns; else why not. */
  start(settings: RoundSettings): Round | 'roundOpen' | 'tooFewMembers' | 'settingsUnusable' | PlanBasisRefusal;
  /** Ends the open round without a sum; false where there is none. */
  stop(): boolean;
  open(): RoundRow | undefined;
}

export interface KeeperContext {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly audit: AuditLog;
  readonly keys: KeyPair;
  readonly nowMs: () => number;
  readonly releaseWindowMs: number;
}

/** A scheduled round that finds too few members is tried again after this. */
const retryMs = 60_000;

export function roundKeeper(store: FederationStore, context: KeeperContext): RoundKeeper {
  const { database, blobs, audit, keys, nowMs, releaseWindowMs } = context;
  const rounds = openedRounds(store);
  const federation = hex(store.anchors.federation);
  const note = (action: string, detail: Readonly<Record<string, string | number | null>>) =>
    audit.record({ federation, actor: 'coordinator', action, detail });
  const tidied = new Set<number>();
  let turn: Promise<void> = Promise.resolve();

  const open = () => store.rounds().find(({ outcome }) => outcome === null);

  function fail(row: RoundRow, reason: Failure['reason']): void {
    const failure: Failure = { type: 'failure', federation: store.anchors.federation, plan: row.plan, reason };
    database.transaction(() => {
      store.post(roundTopic(row.plan, 'outcome'), signMessage(failure, keys));
      store.setOutcome(row.number, reason);
      note('roundFailed', { round: row.number, reason });
    });
  }

  function start(settings: RoundSettings): ReturnType<RoundKeeper['start']> {
    if (open() !== undefined) return 'roundOpen';
    const shape = parentShape(settings, startsOf(store));
    if (!shape.ok) return shape.refusal;
    const number = (store.rounds().at(-1)?.number ?? 0) + 1;
    const plan = planFrom(settings, {
      federation: store.anchors.federation,
      round: number,
      parent: rounds.nextParent(shape.value),
      membership: store.membership(),
      seenMs: store.seenMs(),
      nowMs: nowMs(),
    });
    if (plan === undefined) return 'tooFewMembers';
    const message = signMessage(plan, keys);
    const round = openedFrom(message, store);
    if (round === undefined) return 'settingsUnusable';
    database.transaction(() => {
      store.post(roundsTopic, message);
      store.addRound(number, round.id, nowMs());
      const parent = plan.parent && hex(plan.parent);
      note('roundStarted', { round: number, parent, cohort: round.cohort.length, deadlineMs: plan.deadlineMs });
    });
    return round;
  }

  function startScheduled(): void {
    const schedule = store.schedule();
    if (schedule === undefined || nowMs() < schedule.nextMs || open() !== undefined) return;
    database.transaction(() => {
      const started = start(schedule.settings);
      const wentWell = typeof started === 'object';
      const pause = wentWell ? schedule.everyMs : Math.min(schedule.everyMs, retryMs);
      store.setSchedule({ ...schedule, nextMs: nowMs() + pause });
      if (!wentWell) note('roundNotStarted', { reason: started });
    });
  }

  async function close(row: RoundRow, round: Round, signal: AbortSignal): Promise<void> {
    const board = store.board(round.id);
    const uploads = store.addresses(roundTopic(round.id, 'uploads')).length;
    if (uploads < round.cohort.length && nowMs() <= round.plan.deadlineMs) return;
    // Each payload was checked when it came; the sum checks it again as it adds it.
    const complaint = async (hash: Uint8Array) => ((await blobs.has(round.id, hash)) ? undefined : 'uploadMissing');
    const survivors = await closeUploads(withoutOutcomes(board), round, keys, signal, complaint);
    if (!survivors.ok) return fail(row, 'belowMinimumCohort');
    database.transaction(() => {
      store.setSurvivorsMs(row.number, nowMs());
      const { body } = survivors.value;
      note('survivorsNamed', { round: row.number, survivors: body.survivors.length, dropped: body.dropped.length });
    });
  }

  async function finish(row: RoundRow, round: Round, signal: AbortSignal): Promise<void> {
    const board = store.board(round.id);
    const survivors = await namedSurvivors(board, round, signal);
    if (survivors === undefined) return;
    const { entries } = await gatherReleases(board, round, survivors, signal);
    const since = row.survivorsMs ?? nowMs();
    const isOver = entries.length === round.committee.length || nowMs() > since + releaseWindowMs;
    if (entries.length >= round.threshold) {
      const sum = await finishRound(board, round, keys, survivors, signal);
      if (sum.ok) {
        database.transaction(() => {
          store.setOutcome(row.number, 'published');
          note('roundPublished', {
            round: row.number,
            survivors: survivors.body.survivors.length,
            weight: sum.value.weight,
          });
        });
        return;
      }
      // A wrong share spoils the sum only until another holder's takes its place.
      if (isOver) fail(row, sum.refusal === 'tooFewReleases' ? 'tooFewReleases' : 'sharesInconsistent');
      return;
    }
    if (isOver) fail(row, 'tooFewReleases');
  }

  /** Nobody needs the payloads of a round that is over; what fails here is done at the next start. */
  async function tidy(): Promise<void> {
    for (const { plan, outcome, number } of store.rounds()) {
      if (outcome === null || tidied.has(number)) continue;
      const sum = rounds.sum(plan);
      await blobs.removeAllBut(plan, sum === undefined ? [] : [sum]);
      tidied.add(number);
    }
  }

  async function step(signal: AbortSignal): Promise<void> {
    await tidy();
    startScheduled();
    const row = open();
    if (row === undefined) return;
    const round = rounds.open(row);
    const told = outcomeOf(store, round);
    // Killed between the message and the row: the message counts.
    if (told !== undefined) {
      database.transaction(() => {
        store.setOutcome(row.number, told);
        note('outcomeRecovered', { round: row.number, outcome: told });
      });
      return;
    }
    if (store.addresses(roundTopic(round.id, 'survivors')).length === 0) await close(row, round, signal);
    const now = open();
    if (now !== undefined) await finish(now, round, signal);
  }

  return {
    rounds,
    open,
    start,
    advance(signal) {
      const mine = turn.then(() => step(signal));
      turn = mine.catch(() => {});
      return mine;
    },
    stop() {
      const row = open();
      if (row === undefined) return false;
      fail(row, 'stopped');
      return true;
    },
  };
}

/** A failure is posted together with its row, by `fail`. */
function withoutOutcomes(board: BulletinBoard): BulletinBoard {
  return {
    ...board,
    post: async (topic, bytes, signal) =>
      topic.endsWith('/outcome') ? sha256(bytes) : board.post(topic, bytes, signal),
  };
}

function outcomeOf(store: FederationStore, round: Round): RoundOutcome | undefined {
  const { federation, coordinator: signer } = store.anchors;
  for (const { bytes } of store.topic(roundTopic(round.id, 'outcome'))) {
    const failure = openMessage(bytes, failureSchema, { federation, signer });
    if (failure.ok) return failure.value.body.reason;
    if (openMessage(bytes, resultSchema, { federation, signer }).ok) return 'published';
  }
  return undefined;
}
