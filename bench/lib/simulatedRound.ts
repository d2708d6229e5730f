import { randomBytes } from 'node:crypto';
import { type BulletinBoard, memoryBoard } from '#protocol/federation/board.ts';
import { closeUploads, finishRound } from '#protocol/federation/coordinatorRound.ts';
import { acceptRound } from '#protocol/federation/member.ts';
import { sendUpload, serveCommittee } from '#protocol/federation/memberRound.ts';
import type { Plan } from '#protocol/federation/messages.ts';
import { meanOf, quantise } from '#protocol/federation/quantiser.ts';
import { accept, type Outcome } from '#protocol/federation/refusal.ts';
import { quantiserOf } from '#protocol/federation/round.ts';
import {
  keysAt,
  simulatedPlan,
  simulatedRound,
  simulatedTeam,
  volatileMemory,
} from '#protocol/federation/simulatedTeam.ts';

export interface PlayedRound {
  readonly mean: Float32Array;
  /** All that one member posts: payload, upload, release, and the card and vote at their sizes. */
  readonly bytesPerMember: number;
  /** Coordinates beyond the range, of all members together. */
  readonly clamped: number;
}

/** A round of these updates by the real protocol, over a board in memory: the mean that members would adopt. */
export async function playRound(
  updates: readonly Float32Array[],
  range: number,
  bits: number,
  signal: AbortSignal,
): Promise<PlayedRound> {
  const length = updates[0]?.length ?? 0;
  const team = simulatedTeam(updates.length);
  const changes: Partial<Plan> = {
    quantiser: { bits, segments: [{ length, range }] },
    clipNorm: range * Math.sqrt(length),
  };
  const round = simulatedRound(team, simulatedPlan(team, length, changes));
  let posted = 0;
  const board = counting(memoryBoard(), (bytes) => {
    posted += bytes;
  });
  let clamped = 0;
  const members = round.cohort.map(({ index }) => ({ keys: keysAt(team, round, index), memory: volatileMemory() }));
  for (const [index, member] of members.entries()) {
    const self = got(await acceptRound(round, member.keys, { minimumCohort: 3 }, member.memory, signal));
    const rounded = got(
      quantise(
        updates[index] ?? new Float32Array(0),
        round.plan.maxWeight,
        quantiserOf(round),
        new Uint8Array(randomBytes(32)),
      ),
    );
    clamped += rounded.clamped;
    got(await sendUpload(board, round, self, member, async () => accept(rounded.vector), signal));
  }
  const uploaded = posted;
  const survivors = got(await closeUploads(board, round, team.coordinator, signal));
  posted = 0;
  for (const member of members) await serveCommittee(board, round, member, signal);
  const released = posted;
  const sum = got(await finishRound(board, round, team.coordinator, survivors, signal));
  // A card and a vote, signed, have less than 400 bytes together.
  const bytesPerMember = Math.ceil((uploaded + released) / updates.length) + 400;
  return { mean: meanOf(sum, quantiserOf(round)), bytesPerMember, clamped };
}

function counting(board: BulletinBoard, count: (bytes: number) => void): BulletinBoard {
  return {
    ...board,
    post(topic, bytes, signal) {
      count(bytes.length);
      return board.post(topic, bytes, signal);
    },
  };
}

function got<Value>(outcome: Outcome<Value>): Value {
  if (!outcome.ok) throw new Error(`Refused: ${outcome.refusal} (${outcome.members.join(', ')}).`);
  return outcome.value;
}
