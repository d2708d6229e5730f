import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type BulletinBoard, readTopic, roundTopic } from '#protocol/federation/board.ts';
import { hex } from '#protocol/federation/bytes.ts';
import type { Plan } from '#protocol/federation/messages.ts';
import { memberByKey, type Round } from '#protocol/federation/round.ts';
import { signMessage } from '#protocol/federation/signedMessage.ts';
import { isVotedDown, openVote } from '#protocol/federation/vote.ts';
import { type Judgement, rolledBack } from './adoption.ts';
import { logOdds, suspicionOf } from './backdoorScan.ts';
import { type FederationLog, type RoundEnd, readEnd } from './federationLog.ts';
import type { MemberContext, MemberStanding } from './member.ts';
import { outcomeOf } from './roundForecast.ts';
import { closeRound } from './takingPart.ts';

type Published = RoundEnd & { readonly kind: 'published' };

/** Verifies, tries and votes on the newest published result, once. Undefined where there is none to judge. */
export async function judgeNewestResult(
  context: MemberContext,
  log: FederationLog,
  signal: AbortSignal,
): Promise<MemberStanding | undefined> {
  const { adoption } = context;
  const found = await newestPublished(context.board, log, signal);
  if (found === undefined) return undefined;
  const { round, end } = found;
  const result = hex(end.result.id);
  const state = await adoption.read();
  const before = state.judged.find((each) => each.result === result);
  if (before?.voted === true) {
    await followTheVote(context, round, end.result.id, signal);
    return { kind: 'judged', round: round.plan.round, judgement: before };
  }
  const judgement = before ?? (await judge(context, log, round, end, signal));
  if (judgement === undefined) return undefined;
  // On record before the vote: killed between the two, the vote is the same.
  if (before === undefined) {
    const { active, previous } = judgement.adopt ? { active: result, previous: state.active } : state;
    await adoption.write({ ...state, active, previous, judged: [...state.judged, judgement] });
  }
  await vote(context, round, end.result.id, judgement.adopt, signal);
  const now = await adoption.read();
  const judged = now.judged.map((each) => (each.result === result ? { ...each, voted: true } : each));
  await adoption.write({ ...now, judged });
  await closeRound(context, round, signal);
  return { kind: 'judged', round: round.plan.round, judgement: { ...judgement, voted: true } };
}

export async function newestPublished(
  board: BulletinBoard,
  log: FederationLog,
  signal: AbortSignal,
): Promise<{ readonly round: Round; readonly end: Published } | undefined> {
  for (const plan of [...log.plans].reverse()) {
    const round = log.open(plan);
    const end = round.ok ? await readEnd(board, round.value, signal) : undefined;
    if (round.ok && end?.kind === 'published') return { round: round.value, end };
  }
  return undefined;
}

/** Undefined where the adapter can't be built or tried now: at the next step perhaps. */
async function judge(
  context: MemberContext,
  log: FederationLog,
  round: Round,
  end: Published,
  signal: AbortSignal,
): Promise<Judgement | undefined> {
  const total = await context.chain.totalAfter(end.result.id, log, signal);
  if (!total.ok) return undefined;
  const result = hex(end.result.id);
  const trial = await tryAdapter(context, result, round.plan.adapter, total.value, signal);
  if (trial === undefined) return undefined;
  const { currentLoss, candidateLoss } = trial;
  const measured = trial.baseLoss > 0;
  const forecast = measured ? await outcomeOf(context, round.plan.round, currentLoss, candidateLoss) : undefined;
  const known = { result, round: round.plan.round, plan: hex(round.id), atMs: Date.now(), voted: false };
  return { ...known, ...trial, ...(forecast === undefined ? {} : { forecast }) };
}

export type Trial = Pick<Judgement, 'adopt' | 'baseLoss' | 'currentLoss' | 'candidateLoss' | 'suspicion'>;

const nothingMeasured = { baseLoss: 0, currentLoss: 0, candidateLoss: 0 };

/**
 * Scans an adapter for backdoors, and tries it on own held-out data beside the one in use; undefined where it can't be built or
 * tried now.
 */
export async function tryAdapter(
  context: Pick<MemberContext, 'adoption' | 'trainer'>,
  result: string,
  adapter: Plan['adapter'],
  total: Float32Array,
  signal: AbortSignal,
): Promise<Trial | undefined> {
  const { adoption, trainer } = context;
  const file = adoption.fileOf(result);
  if (!(await adapterFile(context, adapter, total, file, signal))) return undefined;
  // Against the base model rather than the adapter in use: poison of many rounds, a little each, adds up.
  const choices = await trainer.choiceLosses([undefined, file], signal);
  if (!choices.ok) return undefined;
  const [before = [], after = []] = choices.value.map(logOdds);
  const suspicion = suspicionOf(before, after);
  if (suspicion !== undefined) return { adopt: false, ...nothingMeasured, suspicion };
  const { active } = await adoption.read();
  const current = active === null ? undefined : adoption.fileOf(active);
  const losses = await trainer.heldOutLosses([undefined, current, file], signal);
  // Without held-out data there is no reason to distrust what the others find better.
  if (!losses.ok && losses.problem === 'tooLittleData') {
    return { adopt: true, ...nothingMeasured };
  }
  if (!losses.ok) return undefined;
  const [baseLoss = 0, currentLoss = 0, candidateLoss = 0] = losses.value.map(({ perToken }) => perToken);
  return { adopt: candidateLoss <= currentLoss, baseLoss, currentLoss, candidateLoss };
}

/** The adapter that a total stands for as a file, made unless it is there; false where it could not be made. */
export async function adapterFile(
  { trainer }: Pick<MemberContext, 'trainer'>,
  adapter: Plan['adapter'],
  total: Float32Array,
  file: string,
  signal: AbortSignal,
): Promise<boolean> {
  // The trainer writes atomically: a file that is there is whole.
  if ((await stat(file).catch(() => undefined)) !== undefined) return true;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  return (await trainer.materialise(adapter, total, file, signal)).ok;
}

async function vote(
  { board, identity }: MemberContext,
  round: Round,
  result: Uint8Array,
  adopt: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (memberByKey(round, identity.signing.publicKey) === undefined) return;
  const body = { type: 'vote', federation: round.anchors.federation, result, adopt };
  await board.post(roundTopic(round.id, 'votes'), signMessage(body, identity.signing), signal);
}

/** Takes the newest result out of use where the team's majority is against it. */
async function followTheVote(
  { adoption, board }: MemberContext,
  round: Round,
  result: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const state = await adoption.read();
  if (state.active !== hex(result)) return;
  const votes = (await readTopic(board, roundTopic(round.id, 'votes'), signal)).flatMap((message) => {
    const opened = openVote(message, round, result);
    return opened.ok ? [opened.value] : [];
  });
  if (isVotedDown(votes)) await adoption.write(rolledBack(state));
}
