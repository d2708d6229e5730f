import { sameBytes } from './bytes.ts';
import { isConnected, neighboursAmong } from './graph.ts';
import { type Survivors, survivorsSchema } from './messages.ts';
import { accept, type MessageRefusal, type Outcome, refuse } from './refusal.ts';
import type { Round } from './round.ts';
import { openMessage, type Signed } from './signedMessage.ts';
import type { CheckedUpload } from './upload.ts';

/** The coordinator's choice among the uploads that it holds, at most one for each member: docs/protocol.md, “Survivors”. */
export function chooseSurvivors(
  round: Round,
  uploads: readonly CheckedUpload[],
): Outcome<Survivors, 'belowMinimumCohort'> {
  const left = new Map(uploads.map((upload) => [upload.member.index, upload]));
  leaveOutConflicts(round, left);
  leaveOutLonely(round, left);
  const among = [...left.keys()].sort((a, b) => a - b);
  if (among.length < round.plan.minimumCohort || !isConnected(round.neighbours, among)) {
    return refuse(
      'belowMinimumCohort',
      round.cohort.flatMap(({ index }) => (left.has(index) ? [] : [index])),
    );
  }
  return accept({
    type: 'survivors',
    federation: round.anchors.federation,
    plan: round.id,
    survivors: among.flatMap((member) => {
      const upload = left.get(member);
      return upload === undefined ? [] : [{ member, upload: upload.id }];
    }),
    dropped: round.cohort.flatMap(({ index }) => (left.has(index) ? [] : [index])),
  });
}

export type SurvivorsRefusal =
  | MessageRefusal
  | 'unknownPlan'
  | 'outsideCohort'
  | 'memberNamedTwice'
  | 'bothMasksAsked'
  | 'cohortNotCovered'
  | 'belowMinimumCohort'
  | 'tooFewNeighbours'
  | 'survivorsDisconnected';

/** The checks that need nothing but the plan. */
export function openSurvivors(message: Uint8Array, round: Round): Outcome<Signed<Survivors>, SurvivorsRefusal> {
  const { federation, coordinator } = round.anchors;
  const signed = openMessage(message, survivorsSchema, { federation, signer: coordinator });
  if (!signed.ok) return signed;
  const { body } = signed.value;
  if (!sameBytes(body.plan, round.id)) return refuse('unknownPlan');
  const survivors = body.survivors.map(({ member }) => member);
  const complaint = coverComplaint(round, survivors, body.dropped) ?? sumComplaint(round, survivors);
  return complaint === undefined ? signed : refuse(complaint.refusal, complaint.members);
}

interface Complaint {
  readonly refusal: SurvivorsRefusal;
  readonly members: readonly number[];
}

/** Everybody is named, once, as a survivor or as dropped. */
function coverComplaint(round: Round, survivors: readonly number[], dropped: readonly number[]): Complaint | undefined {
  const outside = [...survivors, ...dropped].filter((member) => member >= round.cohort.length);
  if (outside.length > 0) return { refusal: 'outsideCohort', members: outside };
  const twice = [survivors, dropped].flatMap((list) =>
    list.filter((member, i) => i > 0 && (list[i - 1] ?? 0) >= member),
  );
  if (twice.length > 0) return { refusal: 'memberNamedTwice', members: twice };
  const gone = new Set(dropped);
  const both = survivors.filter((member) => gone.has(member));
  if (both.length > 0) return { refusal: 'bothMasksAsked', members: both };
  const named = new Set([...survivors, ...dropped]);
  const unnamed = round.cohort.flatMap(({ index }) => (named.has(index) ? [] : [index]));
  return unnamed.length > 0 ? { refusal: 'cohortNotCovered', members: unnamed } : undefined;
}

/** Nobody's update is seen in a smaller sum than the minimum cohort's. */
function sumComplaint(round: Round, survivors: readonly number[]): Complaint | undefined {
  const { minimumCohort } = round.plan;
  if (survivors.length < minimumCohort) return { refusal: 'belowMinimumCohort', members: [] };
  const among = new Set(survivors);
  const lonely = survivors.filter((member) => neighboursAmong(round.neighbours, member, among) < minimumCohort - 1);
  if (lonely.length > 0) return { refusal: 'tooFewNeighbours', members: lonely };
  return isConnected(round.neighbours, survivors) ? undefined : { refusal: 'survivorsDisconnected', members: [] };
}

/** Two neighbours that committed to different seeds cannot both count: their masks would not cancel. */
function leaveOutConflicts(round: Round, left: Map<number, CheckedUpload>): void {
  for (;;) {
    let most = 0;
    let culprit: number | undefined;
    for (const member of [...left.keys()].sort((a, b) => a - b)) {
      const conflicts = (round.neighbours[member] ?? []).filter((other) => conflict(round, left, member, other)).length;
      if (conflicts > 0 && conflicts >= most) {
        most = conflicts;
        culprit = member;
      }
    }
    if (culprit === undefined) return;
    left.delete(culprit);
  }
}

function conflict(round: Round, left: ReadonlyMap<number, CheckedUpload>, a: number, b: number): boolean {
  const [one, other] = [commitment(round, left, a, b), commitment(round, left, b, a)];
  return one !== undefined && other !== undefined && !sameBytes(one, other);
}

function commitment(
  round: Round,
  left: ReadonlyMap<number, CheckedUpload>,
  of: number,
  about: number,
): Uint8Array | undefined {
  return left.get(of)?.body.commitments[1 + (round.neighbours[of] ?? []).indexOf(about)];
}

function leaveOutLonely(round: Round, left: Map<number, CheckedUpload>): void {
  for (;;) {
    const among = new Set(left.keys());
    const lonely = [...among].filter(
      (member) => neighboursAmong(round.neighbours, member, among) < round.plan.minimumCohort - 1,
    );
    if (lonely.length === 0) return;
    for (const member of lonely) left.delete(member);
  }
}
