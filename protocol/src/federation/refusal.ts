/** What a receiver says instead of going on. Names and steps: docs/protocol.md, “Refusals”. */

const texts = {
  tooLarge: 'The message is larger than 4 MiB.',
  malformed: 'The bytes are not a signed message.',
  notCanonical: 'The message is not in its canonical encoding.',
  fields: 'A field is missing, in excess or of the wrong type.',
  signature: 'The signature does not fit the message.',
  wrongSigner: 'The message is signed by somebody who may not send it.',
  wrongFederation: 'The message belongs to another federation.',

  rosterRollback: 'The roster is older than one seen before.',
  rosterForked: 'There are two rosters of one version.',
  rosterOrder: 'The roster’s members are not in order, or one is there twice.',

  wrongRoster: 'The plan rests on a roster that is not the newest one.',
  replayedRound: 'The round’s number was used before.',
  secondPlan: 'This round already has another plan.',
  cohortOrder: 'The plan’s cohort is not in order, or a member is there twice.',
  madeUpMember: 'The plan names somebody who is not in the roster.',
  swappedKey: 'A member’s keys in the plan are not the ones that this member signed.',
  notInCohort: 'The plan does not name this member.',
  ownKeySwapped: 'The plan names keys of this member that it does not use now.',
  cohortTooSmall: 'The cohort is smaller than the minimum cohort.',
  minimumTooLow: 'The plan’s minimum cohort is below what this member asks for.',
  sumTooWide: 'The sum would not fit in 32 bits.',
  weightTells: 'The sum of the weights would be published without noise: under client-level privacy all weights are 1.',

  startBase: 'The start is an adapter for another base model.',
  startAdapter: 'The start is an adapter of another shape.',
  staleStart: 'A later start came before this one.',
  valuesMissing: 'The start’s values cannot be read.',
  valuesHash: 'The hash of the start’s values is not the signed one.',
  valuesSize: 'The start’s values are not as many as its segments say.',
  valuesRange: 'The start holds a level that is none.',
  valuesNorm: 'The start’s values are not finite, or longer than training can make them.',

  basisAdapter: 'The start has a basis, which is for adapters of B alone, with one segment for each matrix.',
  basisMissing: 'The start’s basis cannot be read.',
  basisHash: 'The hash of the start’s basis is not the signed one.',
  basisUnknown: 'The plan names a start for its basis that the lead has not made.',
  basisMechanism: 'The plan uses a basis without noise: a basis is for rounds with privacy.',
  basisLength: 'The plan does not have as many coordinates as its basis gives.',
  basisSize: 'The start’s basis does not have the numbers that its adapter and its directions call for.',
  basisRange: 'The start’s basis holds a level that is none.',
  basisSkewed: 'The directions of the start’s basis are not of unit length, or not at right angles.',

  updateSize: 'The update does not have the length that the plan says.',
  updateNotFinite: 'The update holds a value that is not a finite number.',
  updateTooLong: 'The update came out of rounding longer than its privacy is accounted for, each time it was tried.',
  weightRange: 'A weight is outside the range that the plan allows.',

  unknownPlan: 'The message belongs to a plan that is not this round’s.',
  stranger: 'The sender is not in the cohort.',
  late: 'The upload came after the deadline.',
  alreadyUploaded: 'This member has uploaded something else before.',
  wrongShape: 'The number or the size of the entries is not what the plan implies.',
  payloadHash: 'The payload’s hash is not the signed one.',
  payloadSize: 'The payload’s size does not fit the plan’s length and modulus.',
  payloadPadding: 'The payload ends in bits that should be zero.',

  notOnCommittee: 'This member is not on the committee.',
  outsideCohort: 'The survivor set names a member outside the cohort.',
  memberNamedTwice: 'The survivor set names a member twice.',
  bothMasksAsked: 'The survivor set asks for both the self mask and the pairwise masks of one member.',
  cohortNotCovered: 'The survivor set leaves a member of the cohort out.',
  belowMinimumCohort: 'Fewer members have uploaded than the minimum cohort.',
  tooFewNeighbours: 'A survivor would be summed with too few of its neighbours.',
  survivorsDisconnected: 'The survivors fall into groups whose sums would be seen apart.',
  ownUploadSwapped: 'The survivor set names an upload of this member that it did not make.',
  uploadMissing: 'An upload that the survivor set names cannot be read.',
  madeUpUpload: 'An upload that the survivor set names is not that member’s.',
  secondSurvivorSet: 'This member has answered for another survivor set of this round.',

  unknownSurvivors: 'The release belongs to another survivor set.',
  alreadyReleased: 'This member has released something else before.',
  tooFewReleases: 'Too few committee members have released their shares.',
  sharesInconsistent: 'The shares do not give the seeds that were committed to.',

  wrongSurvivors: 'The result belongs to another survivor set.',
  sumHash: 'The sum’s hash is not the signed one.',
  sumSize: 'The sum’s size does not fit the plan.',
  sumPadding: 'The sum ends in bits that should be zero.',
  unknownResult: 'The vote is about a result that is not this round’s.',
  alreadyVoted: 'This member has voted otherwise before.',
  levelRange: 'The sum holds a value that no cohort could have sent.',
  norm: 'The sum is longer than clipped updates can make it.',
} as const;

export type Refusal = keyof typeof texts;

/** The sentence for a person, in a log or a view. */
export const refusalText: Readonly<Record<Refusal, string>> = texts;

/** Any message may meet with these. */
export type MessageRefusal =
  | 'tooLarge'
  | 'malformed'
  | 'notCanonical'
  | 'fields'
  | 'signature'
  | 'wrongSigner'
  | 'wrongFederation';

export type Outcome<Value, Reason extends Refusal = Refusal> =
  | { readonly ok: true; readonly value: Value }
  /** `members` are the places in the cohort of those whose message or absence led to it. */
  | { readonly ok: false; readonly refusal: Reason; readonly members: readonly number[] };

export function accept<Value>(value: Value): { readonly ok: true; readonly value: Value } {
  return { ok: true, value };
}

export function refuse<Reason extends Refusal>(
  refusal: Reason,
  members: readonly number[] = [],
): { readonly ok: false; readonly refusal: Reason; readonly members: readonly number[] } {
  return { ok: false, refusal, members };
}
