import { sameBytes } from './bytes.ts';
import { recipientOf } from './hpke.ts';
import type { MemberKeys, MemberMemory } from './member.ts';
import { type Release, releaseSchema, type Survivors } from './messages.ts';
import { accept, type MessageRefusal, type Outcome, refuse } from './refusal.ts';
import { type CohortMember, memberAt, memberByKey, type Round } from './round.ts';
import { seedBytes } from './seeds.ts';
import { openBox, selectFromShare } from './shares.ts';
import { openMessage, type Signed, signMessage } from './signedMessage.ts';
import { openSurvivors, type SurvivorsRefusal } from './survivors.ts';
import { type CheckedUpload, openUpload } from './upload.ts';

/** Finds an upload's message by its id; undefined where the board does not have it. */
export type FindUpload = (id: Uint8Array, signal: AbortSignal) => Promise<Uint8Array | undefined>;

export interface CommitteeMember {
  readonly keys: MemberKeys;
  readonly memory: MemberMemory;
}

export type AnswerRefusal =
  | SurvivorsRefusal
  | 'notOnCommittee'
  | 'ownUploadSwapped'
  | 'uploadMissing'
  | 'madeUpUpload'
  | 'secondSurvivorSet';

/**
 * A committee member's answer to a survivor set: the release, signed. After every check, the set is put on record for
 * ever before a share leaves.
 */
export async function answerSurvivors(
  message: Uint8Array,
  round: Round,
  { keys, memory }: CommitteeMember,
  findUpload: FindUpload,
  signal: AbortSignal,
): Promise<Outcome<Uint8Array, AnswerRefusal>> {
  const survivors = openSurvivors(message, round);
  if (!survivors.ok) return survivors;
  const self = memberByKey(round, keys.signing.publicKey);
  const place = self === undefined ? -1 : round.committee.indexOf(self.index);
  if (self === undefined || place === -1) return refuse('notOnCommittee');
  const accepted = await memory.acceptedPlan(round.plan.round, signal);
  if (accepted === undefined || !sameBytes(accepted, round.id)) return refuse('unknownPlan');
  if (await ownUploadSwapped(survivors.value.body, round, self, memory, signal)) {
    return refuse('ownUploadSwapped', [self.index]);
  }
  const uploads = await openNamedUploads(survivors.value.body, round, findUpload, signal);
  if (!uploads.ok) return uploads;
  const recorded = await memory.claimSurvivors(round.plan.round, survivors.value.id, signal);
  if (!sameBytes(recorded, survivors.value.id)) return refuse('secondSurvivorSet');
  const dropped = new Set(survivors.value.body.dropped);
  const sealing = recipientOf(keys.sealing);
  const body: Release = {
    type: 'release',
    federation: round.anchors.federation,
    plan: round.id,
    survivors: survivors.value.id,
    shares: uploads.value.map(({ member, body: { boxes } }) => {
      const share = openBox(round, member, self, sealing, boxes[place] ?? new Uint8Array(0));
      return share === undefined ? null : selectFromShare(share, openedPlaces(round, member.index, dropped));
    }),
  };
  return accept(signMessage(body, keys.signing));
}

/**
 * Which of a survivor's seeds are opened, by place: its self seed (0) and the pairwise seeds with its dropped neighbours
 * (1 + the neighbour's place among its neighbours).
 */
export function openedPlaces(round: Round, survivor: number, dropped: ReadonlySet<number>): readonly number[] {
  return [0, ...(round.neighbours[survivor] ?? []).flatMap((other, i) => (dropped.has(other) ? [1 + i] : []))];
}

export interface CheckedRelease extends Signed<Release> {
  readonly holder: CohortMember;
}

export type ReleaseRefusal = MessageRefusal | 'unknownPlan' | 'unknownSurvivors' | 'notOnCommittee' | 'wrongShape';

/** The coordinator's checks of a release. */
export function openRelease(
  message: Uint8Array,
  round: Round,
  survivors: Signed<Survivors>,
): Outcome<CheckedRelease, ReleaseRefusal> {
  const signed = openMessage(message, releaseSchema, { federation: round.anchors.federation });
  if (!signed.ok) return signed;
  const { body, signer } = signed.value;
  if (!sameBytes(body.plan, round.id)) return refuse('unknownPlan');
  if (!sameBytes(body.survivors, survivors.id)) return refuse('unknownSurvivors');
  const holder = memberByKey(round, signer);
  if (holder === undefined || !round.committee.includes(holder.index)) return refuse('notOnCommittee');
  const dropped = new Set(survivors.body.dropped);
  const sizes = survivors.body.survivors.map(
    ({ member }) => openedPlaces(round, member, dropped).length * seedBytes + 1,
  );
  const fits =
    body.shares.length === sizes.length && body.shares.every((share, i) => share === null || share.length === sizes[i]);
  return fits ? accept({ ...signed.value, holder }) : refuse('wrongShape', [holder.index]);
}

async function ownUploadSwapped(
  { survivors }: Survivors,
  round: Round,
  self: CohortMember,
  memory: MemberMemory,
  signal: AbortSignal,
): Promise<boolean> {
  const named = survivors.find(({ member }) => member === self.index);
  if (named === undefined) return false;
  const own = await memory.uploadFor(round.id, signal);
  const opened = own === undefined ? undefined : openUpload(own.message, round);
  return opened?.ok !== true || !sameBytes(opened.value.id, named.upload);
}

async function openNamedUploads(
  { survivors }: Survivors,
  round: Round,
  findUpload: FindUpload,
  signal: AbortSignal,
): Promise<Outcome<readonly CheckedUpload[], 'uploadMissing' | 'madeUpUpload'>> {
  const uploads: CheckedUpload[] = [];
  for (const { member, upload: id } of survivors) {
    signal.throwIfAborted();
    const message = await findUpload(id, signal);
    if (message === undefined) return refuse('uploadMissing', [member]);
    const upload = openUpload(message, round);
    const isTheirs = upload.ok && sameBytes(upload.value.id, id) && upload.value.member === memberAt(round, member);
    if (!isTheirs) return refuse('madeUpUpload', [member]);
    uploads.push(upload.value);
  }
  return accept(uploads);
}
