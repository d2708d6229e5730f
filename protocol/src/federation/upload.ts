import { randomBytes } from 'node:crypto';
import { sameBytes } from './bytes.ts';
import { agreeWith } from './keys.ts';
import { applyMasks, type Mask } from './maskStream.ts';
import type { MemberKeys, PreparedUpload } from './member.ts';
import { type Upload, uploadSchema } from './messages.ts';
import { accept, type MessageRefusal, type Outcome, refuse } from './refusal.ts';
import { pack, packedBytes, paddingIsZero, type RingVector } from './ring.ts';
import { type CohortMember, memberAt, memberByKey, type Round } from './round.ts';
import { pairwiseSeed, seedBytes, seedCommitment } from './seeds.ts';
import { boxBytes, sealShares } from './shares.ts';
import { openMessage, type Signed, sha256, signMessage } from './signedMessage.ts';

/**
 * Masks a quantised update in place and makes the one upload of this member for this round. Never call it twice for one
 * plan with different updates: what is sent must be what `MemberMemory` has on record.
 */
export async function prepareUpload(
  round: Round,
  self: CohortMember,
  keys: MemberKeys,
  vector: RingVector,
): Promise<Outcome<PreparedUpload, 'swappedKey'>> {
  const seeds: Uint8Array[] = [new Uint8Array(randomBytes(seedBytes))];
  const masks: Mask[] = seeds.map((seed) => ({ seed, sign: 1 }));
  const own = { index: self.index, key: self.key, agree: agreeWith(keys.agreement.secretKey) };
  for (const index of round.neighbours[self.index] ?? []) {
    const seed = pairwiseSeed(round.id, own, memberAt(round, index));
    if (seed === undefined) return refuse('swappedKey', [index]);
    seeds.push(seed);
    masks.push({ seed, sign: pairSign(self.index, index) });
  }
  const boxes = await sealShares(round, self, seeds);
  if (boxes === undefined) return refuse('swappedKey');
  applyMasks(vector, masks);
  const payload = pack(vector);
  const body: Upload = {
    type: 'upload',
    federation: round.anchors.federation,
    plan: round.id,
    payload: sha256(payload),
    commitments: seeds.map((seed) => seedCommitment(round.id, seed)),
    boxes: [...boxes],
  };
  return accept({ payload, message: signMessage(body, keys.signing) });
}

/** Of two neighbours the one with the lower place adds what the other takes away. */
export function pairSign(own: number, other: number): 1 | -1 {
  return own < other ? 1 : -1;
}

export interface CheckedUpload extends Signed<Upload> {
  readonly member: CohortMember;
}

export type UploadRefusal = MessageRefusal | 'unknownPlan' | 'stranger' | 'wrongShape';

/** What coordinator and committee both check of an upload. */
export function openUpload(message: Uint8Array, round: Round): Outcome<CheckedUpload, UploadRefusal> {
  const signed = openMessage(message, uploadSchema, { federation: round.anchors.federation });
  if (!signed.ok) return signed;
  const { body, signer } = signed.value;
  if (!sameBytes(body.plan, round.id)) return refuse('unknownPlan');
  const member = memberByKey(round, signer);
  if (member === undefined) return refuse('stranger');
  const seeds = 1 + (round.neighbours[member.index]?.length ?? 0);
  const fits =
    body.commitments.length === seeds &&
    body.boxes.length === round.committee.length &&
    body.boxes.every((box) => box.length === boxBytes(seeds));
  return fits ? accept({ ...signed.value, member }) : refuse('wrongShape', [member.index]);
}

/** The coordinator's checks on arrival; `held` is what it has of this member already. The same upload again is welcome. */
export function admitUpload(
  message: Uint8Array,
  round: Round,
  nowMs: number,
  held: (member: CohortMember) => CheckedUpload | undefined,
): Outcome<CheckedUpload, UploadRefusal | 'late' | 'alreadyUploaded'> {
  const upload = openUpload(message, round);
  if (!upload.ok) return upload;
  const { member, id } = upload.value;
  const other = held(member);
  if (other !== undefined && sameBytes(other.id, id)) return accept(other);
  if (nowMs > round.plan.deadlineMs) return refuse('late', [member.index]);
  return other === undefined ? upload : refuse('alreadyUploaded', [member.index]);
}

/** The payload that an upload names. */
export function checkPayload(
  payload: Uint8Array,
  hash: Uint8Array,
  round: Round,
): Outcome<Uint8Array, 'payloadHash' | 'payloadSize' | 'payloadPadding'> {
  if (!sameBytes(sha256(payload), hash)) return refuse('payloadHash');
  if (payload.length !== packedBytes(round.length, round.modulusBits)) return refuse('payloadSize');
  return paddingIsZero(payload, round.length, round.modulusBits) ? accept(payload) : refuse('payloadPadding');
}
