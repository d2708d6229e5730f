import { type BulletinBoard, readChecked, readTopic, roundTopic } from './board.ts';
import { hex } from './bytes.ts';
import type { KeyPair } from './keys.ts';
import type { Failure, Survivors } from './messages.ts';
import { accept, type Outcome, type Refusal, refuse } from './refusal.ts';
import { type CheckedRelease, openRelease } from './release.ts';
import { pack, packedBytes, type RingVector } from './ring.ts';
import type { Round } from './round.ts';
import { claimedId, type Signed, sha256, signMessage } from './signedMessage.ts';
import { openMasks, sumPayloads, unmask } from './sum.ts';
import { chooseSurvivors, openSurvivors } from './survivors.ts';
import { type CheckedUpload, checkPayload, openUpload } from './upload.ts';

/** The coordinator's part of a round, read from the board alone, so that it may be killed and repeated anywhere. */

/** A message that does not count, and why. */
export interface Refused {
  readonly message: Uint8Array;
  readonly refusal: Refusal;
}

export interface Gathered<Entry> {
  readonly entries: readonly Entry[];
  readonly refused: readonly Refused[];
}

/** What is wrong with the payload that an upload names; undefined where nothing is. */
export type CheckPayload = (hash: Uint8Array, signal: AbortSignal) => Promise<Refusal | undefined>;

/**
 * The uploads on the board that count, at most one for each member, with their payloads there and whole. Whoever checked
 * payloads as they came need not read them again.
 */
export async function gatherUploads(
  board: BulletinBoard,
  round: Round,
  signal: AbortSignal,
  payloadComplaint: CheckPayload = payloadOn(board, round),
): Promise<Gathered<CheckedUpload>> {
  const entries = new Map<number, CheckedUpload>();
  const refused: Refused[] = [];
  for (const message of await readTopic(board, roundTopic(round.id, 'uploads'), signal)) {
    const upload = openUpload(message, round);
    const complaint = upload.ok
      ? await uploadComplaint(upload.value, entries, payloadComplaint, signal)
      : upload.refusal;
    if (complaint !== undefined) refused.push({ message, refusal: complaint });
    else if (upload.ok) entries.set(upload.value.member.index, upload.value);
  }
  return { entries: [...entries.values()], refused };
}

/** Names the survivors, or ends the round. Once posted, the answer is final: `namedSurvivors` finds it again. */
export async function closeUploads(
  board: BulletinBoard,
  round: Round,
  keys: KeyPair,
  signal: AbortSignal,
  payloadComplaint?: CheckPayload,
): Promise<Outcome<Signed<Survivors>>> {
  const named = await namedSurvivors(board, round, signal);
  if (named !== undefined) return accept(named);
  const { entries } = await gatherUploads(board, round, signal, payloadComplaint);
  const chosen = chooseSurvivors(round, entries);
  if (!chosen.ok) {
    await postFailure(board, round, keys, chosen.refusal, signal);
    return chosen;
  }
  const message = signMessage(chosen.value, keys);
  await board.post(roundTopic(round.id, 'survivors'), message, signal);
  return openSurvivors(message, round);
}

export async function namedSurvivors(
  board: BulletinBoard,
  round: Round,
  signal: AbortSignal,
): Promise<Signed<Survivors> | undefined> {
  for (const message of await readTopic(board, roundTopic(round.id, 'survivors'), signal)) {
    const survivors = openSurvivors(message, round);
    if (survivors.ok) return survivors.value;
  }
  return undefined;
}

/** The releases on the board that count, one for each committee member. */
export async function gatherReleases(
  board: BulletinBoard,
  round: Round,
  survivors: Signed<Survivors>,
  signal: AbortSignal,
): Promise<Gathered<CheckedRelease>> {
  const entries = new Map<number, CheckedRelease>();
  const refused: Refused[] = [];
  for (const message of await readTopic(board, roundTopic(round.id, 'releases'), signal)) {
    const release = openRelease(message, round, survivors);
    if (!release.ok) refused.push({ message, refusal: release.refusal });
    else {
      const { holder, id } = release.value;
      const other = entries.get(holder.index);
      if (other === undefined) entries.set(holder.index, release.value);
      else if (hex(other.id) !== hex(id)) refused.push({ message, refusal: 'alreadyReleased' });
    }
  }
  return { entries: [...entries.values()], refused };
}

/** Sums, unmasks and publishes, once enough releases are there. Below the threshold: `tooFewReleases`, and nothing is posted. */
export async function finishRound(
  board: BulletinBoard,
  round: Round,
  keys: KeyPair,
  survivors: Signed<Survivors>,
  signal: AbortSignal,
): Promise<Outcome<RingVector>> {
  const releases = await gatherReleases(board, round, survivors, signal);
  if (releases.entries.length < round.threshold) return refuse('tooFewReleases');
  const uploads = await survivingUploads(board, round, survivors.body, signal);
  if (!uploads.ok) return uploads;
  const masks = await openMasks(round, survivors.body, uploads.value, releases.entries, signal);
  if (!masks.ok) return masks;
  const place = new Uint8Array(packedBytes(round.length, round.modulusBits));
  const read = (hash: Uint8Array) => readChecked(board, hash, signal, place);
  const sum = await sumPayloads(round, uploads.value, read, signal);
  if (!sum.ok) return sum;
  unmask(sum.value, masks.value);
  const blob = pack(sum.value);
  await board.post(roundTopic(round.id, 'blobs'), blob, signal);
  const { federation } = round.anchors;
  const result = { type: 'result', federation, plan: round.id, survivors: survivors.id, sum: sha256(blob) };
  await board.post(roundTopic(round.id, 'outcome'), signMessage(result, keys), signal);
  return sum;
}

/** Ends a round without a sum. */
export async function postFailure(
  board: BulletinBoard,
  round: Round,
  keys: KeyPair,
  reason: Failure['reason'],
  signal: AbortSignal,
): Promise<void> {
  const failure: Failure = { type: 'failure', federation: round.anchors.federation, plan: round.id, reason };
  await board.post(roundTopic(round.id, 'outcome'), signMessage(failure, keys), signal);
}

async function uploadComplaint(
  upload: CheckedUpload,
  entries: ReadonlyMap<number, CheckedUpload>,
  payloadComplaint: CheckPayload,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  const other = entries.get(upload.member.index);
  if (other !== undefined) return hex(other.id) === hex(upload.id) ? undefined : 'alreadyUploaded';
  return payloadComplaint(upload.body.payload, signal);
}

function payloadOn(board: BulletinBoard, round: Round): CheckPayload {
  return async (hash, signal) => {
    const payload = await readChecked(board, hash, signal);
    if (payload === undefined) return 'uploadMissing';
    const checked = checkPayload(payload, hash, round);
    return checked.ok ? undefined : checked.refusal;
  };
}

async function survivingUploads(
  board: BulletinBoard,
  round: Round,
  { survivors }: Survivors,
  signal: AbortSignal,
): Promise<Outcome<readonly CheckedUpload[]>> {
  const named = new Set(survivors.map(({ upload }) => hex(upload)));
  const byId = new Map<string, CheckedUpload>();
  for (const message of await readTopic(board, roundTopic(round.id, 'uploads'), signal)) {
    const id = claimedId(message);
    const upload = id !== undefined && named.has(hex(id)) ? openUpload(message, round) : undefined;
    if (upload?.ok === true) byId.set(hex(upload.value.id), upload.value);
  }
  const uploads = survivors.flatMap(({ upload }) => byId.get(hex(upload)) ?? []);
  return uploads.length === survivors.length ? accept(uploads) : refuse('uploadMissing');
}
