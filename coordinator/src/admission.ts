import { membershipTopic, policyTopic, roundTopic, startsTopic } from '#protocol/federation/board.ts';
import { fromHex, hex, sameBytes } from '#protocol/federation/bytes.ts';
import { namedSurvivors } from '#protocol/federation/coordinatorRound.ts';
import { isInRoster } from '#protocol/federation/membership.ts';
import { cardSchema, commandSchema, joinSchema, leaveSchema } from '#protocol/federation/messages.ts';
import { parentShape } from '#protocol/federation/planBasis.ts';
import { claimedPolicyVersion } from '#protocol/federation/policyFile.ts';
import { type Refusal, refusalText } from '#protocol/federation/refusal.ts';
import { openRelease } from '#protocol/federation/release.ts';
import { packedBytes, paddingIsZero } from '#protocol/federation/ring.ts';
import { openRoster } from '#protocol/federation/roster.ts';
import type { CohortMember, Round } from '#protocol/federation/round.ts';
import { openMessage } from '#protocol/federation/signedMessage.ts';
import { admitUpload, type CheckedUpload, openUpload } from '#protocol/federation/upload.ts';
import { openVote } from '#protocol/federation/vote.ts';
import type { BlobStore } from './blobStore.ts';
import type { Database } from './database.ts';
import type { FederationStore } from './federationStore.ts';
import type { RoundKeeper } from './roundKeeper.ts';
import { admitStart, startsOf } from './starts.ts';

/** Why a message is not taken: one of the protocol's refusals, or one of the coordinator's own. */
export const ownRefusals = {
  unknownFederation: 'This coordinator has no such federation.',
  unknownTopic: 'There is no such topic.',
  notAMember: 'Only members of the federation may do this: ask the lead to approve you.',
  notTheLead: 'Only the lead may do this.',
  wrongToken: 'Founding a federation needs the coordinator’s token: ask whoever runs it.',
  taken: 'There is a federation of this id with another lead.',
  tooManyJoins: 'Too many people wait to be approved: ask the lead to see to them.',
  roundOver: 'The round is over.',
  roundOpen: 'A round is open: wait for its end, or stop it.',
  noRound: 'No round is open.',
  tooFewMembers: 'Fewer members than the minimum cohort have been seen lately.',
  settingsUnusable: 'The settings give no plan that a member would accept.',
  policyNotNewer: 'The organisation’s policy here is of this version or a later one.',
  staleCommand: 'A later command came before this one.',
  otherBlob: 'This member has begun to send another payload for this round.',
  otherOffset: 'The piece does not begin where the last one ended.',
  unsigned: 'The request is not signed.',
  clock: 'The request’s time is too far from the coordinator’s.',
  requestSignature: 'The request’s signature does not fit.',
  diskFull: 'The coordinator’s disk is full: it takes nothing until there is room.',
} as const;

export type OwnRefusal = keyof typeof ownRefusals;
export type AdmissionRefusal = Refusal | OwnRefusal;

export function sentenceFor(refusal: AdmissionRefusal): string {
  return isOwn(refusal) ? ownRefusals[refusal] : refusalText[refusal];
}

export type Admission =
  | { readonly ok: true; readonly note?: string }
  | { readonly ok: false; readonly refusal: AdmissionRefusal };

const yes: Admission = { ok: true };
const no = (refusal: AdmissionRefusal): Admission => ({ ok: false, refusal });

/** People who may wait for the lead at a time. */
const mostJoining = 64;
const roundTopicName = /^round\/([0-9a-f]{64})\/(uploads|releases|votes)$/;

export interface AdmissionContext {
  readonly database: Database;
  readonly store: FederationStore;
  readonly keeper: RoundKeeper;
  readonly blobs: BlobStore;
  readonly nowMs: () => number;
}

/** Checks a message that somebody wants to post, and posts it. */
export async function admit(
  topic: string,
  message: Uint8Array,
  context: AdmissionContext,
  signal: AbortSignal,
): Promise<Admission> {
  if (topic === membershipTopic) return admitMembership(message, context);
  if (topic === policyTopic) return admitPolicy(message, context);
  if (topic === startsTopic) return admitStart(message, context.store, context.blobs);
  // The command and what it starts are on disk together.
  if (topic === 'commands') return context.database.transaction(() => admitCommand(message, context));
  const [, plan, part] = roundTopicName.exec(topic) ?? [];
  if (plan === undefined) return no('unknownTopic');
  const found = context.keeper.rounds.byPlan(fromHex(plan));
  if (found === undefined) return no('unknownPlan');
  const judged = await judge(part, message, found.round, found.row.outcome !== null, context, signal);
  if (judged.ok) context.store.post(topic, message);
  return judged;
}

async function judge(
  part: string | undefined,
  message: Uint8Array,
  round: Round,
  isOver: boolean,
  context: AdmissionContext,
  signal: AbortSignal,
): Promise<Admission> {
  if (part === 'uploads') return judgeUpload(message, round, isOver, context);
  if (part === 'releases') return judgeRelease(message, round, isOver, context, signal);
  return judgeVote(message, round, context);
}

async function judgeUpload(
  message: Uint8Array,
  round: Round,
  isOver: boolean,
  { store, blobs, nowMs }: AdmissionContext,
): Promise<Admission> {
  const topic = roundTopic(round.id, 'uploads');
  const heldOf = ({ key }: CohortMember): CheckedUpload | undefined => {
    for (const { bytes } of store.entriesBy(topic, key)) {
      const upload = openUpload(bytes, round);
      if (upload.ok) return upload.value;
    }
    return undefined;
  };
  const decide = () => {
    const isClosed = isOver || store.addresses(roundTopic(round.id, 'survivors')).length > 0;
    const now = isClosed ? Number.POSITIVE_INFINITY : nowMs();
    return admitUpload(message, round, now, heldOf);
  };
  const upload = decide();
  if (!upload.ok) return no(upload.refusal);
  // Its hash was checked before it got its name.
  const payload = await blobs.ending(round.id, upload.value.body.payload);
  if (payload === undefined) return no('uploadMissing');
  if (payload.size !== packedBytes(round.length, round.modulusBits)) return no('payloadSize');
  if (!paddingIsZero(payload.lastWord, round.length, round.modulusBits)) return no('payloadPadding');
  // The survivors may have been named meanwhile.
  const still = decide();
  return still.ok ? yes : no(still.refusal);
}

async function judgeRelease(
  message: Uint8Array,
  round: Round,
  isOver: boolean,
  { store }: AdmissionContext,
  signal: AbortSignal,
): Promise<Admission> {
  const survivors = await namedSurvivors(store.board(round.id), round, signal);
  if (survivors === undefined) return no('unknownSurvivors');
  const release = openRelease(message, round, survivors);
  if (!release.ok) return no(release.refusal);
  const { holder, id } = release.value;
  for (const { bytes } of store.entriesBy(roundTopic(round.id, 'releases'), holder.key)) {
    const other = openRelease(bytes, round, survivors);
    if (other.ok) return sameBytes(other.value.id, id) ? yes : no('alreadyReleased');
  }
  return isOver ? no('roundOver') : yes;
}

function judgeVote(message: Uint8Array, round: Round, { keeper }: AdmissionContext): Admission {
  const result = keeper.rounds.result(round);
  if (result === undefined) return no('unknownResult');
  const vote = openVote(message, round, result);
  if (!vote.ok) return no(vote.refusal);
  const other = keeper.rounds.votes(round).find(({ member }) => member.index === vote.value.member.index);
  return other === undefined || sameBytes(other.id, vote.value.id) ? yes : no('alreadyVoted');
}

function admitMembership(message: Uint8Array, { store }: AdmissionContext): Admission {
  const { federation } = store.anchors;
  const { roster, joining, cards } = store.membership();
  const given = openRoster(message, store.anchors, roster);
  if (given.ok) return post();
  if (given.refusal !== 'wrongSigner' && given.refusal !== 'fields') return no(given.refusal);
  const join = openMessage(message, joinSchema, { federation });
  if (join.ok) {
    const isKnown = joining.some(({ signer }) => sameBytes(signer, join.value.signer));
    if (isKnown) return yes;
    return joining.length < mostJoining ? post() : no('tooManyJoins');
  }
  const card = openMessage(message, cardSchema, { federation });
  if (card.ok) {
    const mayCome =
      isInRoster(roster, card.value.signer) || joining.some(({ signer }) => sameBytes(signer, card.value.signer));
    if (!mayCome) return no('notAMember');
    const newest = cards.get(hex(card.value.signer))?.card.body.generation ?? -1;
    // An older card than the newest would only fill the disk.
    return card.value.body.generation > newest ? post() : yes;
  }
  const leave = openMessage(message, leaveSchema, { federation });
  if (leave.ok) return isInRoster(roster, leave.value.signer) ? post() : no('notAMember');
  return no(leave.refusal);

  function post(): Admission {
    store.post(membershipTopic, message);
    return yes;
  }
}

/** From the lead, as the route has seen. Members check the organisation's signature; the version keeps the topic short. */
function admitPolicy(message: Uint8Array, { store }: AdmissionContext): Admission {
  const version = claimedPolicyVersion(message);
  if (version === undefined) return no('malformed');
  const newest = Math.max(-1, ...store.topic(policyTopic).map(({ bytes }) => claimedPolicyVersion(bytes) ?? -1));
  if (version <= newest) return no('policyNotNewer');
  store.post(policyTopic, message);
  return yes;
}

function admitCommand(message: Uint8Array, { store, keeper, nowMs }: AdmissionContext): Admission {
  const { federation, lead } = store.anchors;
  const command = openMessage(message, commandSchema, { federation, signer: lead });
  if (!command.ok) return no(command.refusal);
  const { sequence, action } = command.value.body;
  if (!store.claimSequence(sequence)) return no('staleCommand');
  store.post('commands', message);
  switch (action.do) {
    case 'start': {
      const started = keeper.start(action.settings);
      return typeof started === 'string' ? no(started) : { ok: true, note: `round ${started.plan.round}` };
    }
    case 'stop':
      return keeper.stop() ? yes : no('noRound');
    case 'schedule': {
      const shape = parentShape(action.settings, startsOf(store));
      if (!shape.ok) return no(shape.refusal);
      store.setSchedule({ settings: action.settings, everyMs: action.everyMs, nextMs: nowMs() });
      return yes;
    }
    case 'unschedule':
      store.setSchedule(undefined);
      return yes;
  }
}

function isOwn(refusal: AdmissionRefusal): refusal is OwnRefusal {
  return refusal in ownRefusals;
}
