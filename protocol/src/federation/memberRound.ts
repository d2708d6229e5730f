import { type BulletinBoard, readTopic, roundTopic } from './board.ts';
import { hex } from './bytes.ts';
import type { MemberKeys, MemberMemory } from './member.ts';
import type { Outcome, Refusal } from './refusal.ts';
import { type AnswerRefusal, answerSurvivors } from './release.ts';
import type { RingVector } from './ring.ts';
import type { CohortMember, Round } from './round.ts';
import { claimedId } from './signedMessage.ts';
import { prepareUpload } from './upload.ts';

/** A member's part of a round, as calls that may each be repeated after a crash. `acceptRound` comes before. */
export interface Member {
  readonly keys: MemberKeys;
  readonly memory: MemberMemory;
}

/**
 * Posts this member's upload: what is on record if there is something, else the vector that `train` gives. The payload
 * goes first, so that an upload on the board is never without it.
 */
export async function sendUpload(
  board: BulletinBoard,
  round: Round,
  self: CohortMember,
  { keys, memory }: Member,
  train: (signal: AbortSignal) => Promise<Outcome<RingVector>>,
  signal: AbortSignal,
): Promise<Outcome<Uint8Array>> {
  let upload = await memory.uploadFor(round.id, signal);
  if (upload === undefined) {
    const vector = await train(signal);
    if (!vector.ok) return vector;
    const prepared = await prepareUpload(round, self, keys, vector.value);
    if (!prepared.ok) return prepared;
    upload = await memory.claimUpload(round.id, prepared.value, signal);
  }
  await board.post(roundTopic(round.id, 'blobs'), upload.payload, signal);
  const address = await board.post(roundTopic(round.id, 'uploads'), upload.message, signal);
  return { ok: true, value: address };
}

/** What came of looking for committee work. */
export type Duty =
  | { readonly kind: 'nothingYet' }
  | { readonly kind: 'released' }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly members: readonly number[] };

/** Answers each survivor set on the board; the first to be answered is the only one ever. */
export async function serveCommittee(
  board: BulletinBoard,
  round: Round,
  { keys, memory }: Member,
  signal: AbortSignal,
): Promise<readonly Duty[]> {
  const sets = await readTopic(board, roundTopic(round.id, 'survivors'), signal);
  if (sets.length === 0) return [{ kind: 'nothingYet' }];
  const uploads = await uploadsById(board, round, signal);
  const duties: Duty[] = [];
  for (const set of sets) {
    const find = async (id: Uint8Array) => uploads.get(hex(id));
    const answer: Outcome<Uint8Array, AnswerRefusal> = await answerSurvivors(
      set,
      round,
      { keys, memory },
      find,
      signal,
    );
    if (answer.ok) await board.post(roundTopic(round.id, 'releases'), answer.value, signal);
    duties.push(
      answer.ok ? { kind: 'released' } : { kind: 'refused', refusal: answer.refusal, members: answer.members },
    );
  }
  return duties;
}

async function uploadsById(
  board: BulletinBoard,
  round: Round,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const uploads = new Map<string, Uint8Array>();
  for (const message of await readTopic(board, roundTopic(round.id, 'uploads'), signal)) {
    const id = claimedId(message);
    if (id !== undefined) uploads.set(hex(id), message);
  }
  return uploads;
}
