import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Basis, reduceUpdate } from '#protocol/federation/basis.ts';
import { roundTopic } from '#protocol/federation/board.ts';
import { hex } from '#protocol/federation/bytes.ts';
import { BoardRefusal } from '#protocol/federation/httpBoard.ts';
import { acceptRound, type MemberKeys } from '#protocol/federation/member.ts';
import { sendUpload, serveCommittee } from '#protocol/federation/memberRound.ts';
import { parentShape } from '#protocol/federation/planBasis.ts';
import { planPrivacy, quantiseForPlan } from '#protocol/federation/planPrivacy.ts';
import { accept, type Outcome } from '#protocol/federation/refusal.ts';
import type { RingVector } from '#protocol/federation/ring.ts';
import { type CohortMember, memberByKey, type Round } from '#protocol/federation/round.ts';
import { privacyCaps } from '../policy/policyService.ts';
import type { FederationLog } from './federationLog.ts';
import { adapterFile } from './judging.ts';
import type { LocalOutcome, LocalUpdate } from './localTrainer.ts';
import type { MemberContext, MemberStanding } from './member.ts';
import { type PlanObjection, planObjection } from './planCheck.ts';
import { weighRound } from './roundForecast.ts';

/** A member's part of the open round: check, train, upload once, and serve on the committee. */
export async function takePart(
  context: MemberContext,
  log: FederationLog,
  round: Round,
  signal: AbortSignal,
): Promise<MemberStanding> {
  const { plan } = round;
  const { board, identity, memory, trainer, enrolment } = context;
  const number = plan.round;
  const known = memberByKey(round, identity.signing.publicKey);
  if (known === undefined) return { kind: 'notInRound', round: number };
  const shape = parentShape(plan, log.starts);
  if (!shape.ok) return { kind: 'refuses', round: number, refusal: shape.refusal };
  const start = await context.chain.totalBefore(round, log, signal);
  const { baseSha256, updateLength } = trainer;
  const knowsParent = start.ok || start.refusal !== 'unknownResult';
  const objection = planObjection(round, {
    policy: context.policy,
    enrolment,
    baseSha256,
    updateLength,
    wholeLength: shape.value.length ?? round.length,
    knowsParent,
  });
  if (objection !== undefined) return { kind: 'objects', round: number, objection };
  if (!start.ok) return { kind: 'refuses', round: number, refusal: start.refusal };
  const held = await memory.uploadFor(round.id, signal);
  const isClosed = (await board.list(roundTopic(round.id, 'survivors'), signal)).length > 0;
  // To read a basis and check it takes a tenth of a second of the server's one thread, and this is asked again and again.
  const isToTrain = held === undefined && !isClosed;
  const basis = isToTrain ? await context.chain.basisOf(round, log, signal) : accept(undefined);
  if (!basis.ok) return { kind: 'refuses', round: number, refusal: basis.refusal };
  const keys = (await identity.at(known.generation, signal)) ?? (await identity.newest(signal));
  const terms = { minimumCohort: enrolment.minimums.minimumCohort };
  const self = await acceptRound(round, keys, terms, memory, signal);
  if (!self.ok) return { kind: 'refuses', round: number, refusal: self.refusal };

  let standing: MemberStanding = { kind: held === undefined ? 'missed' : 'uploaded', round: number };
  if (!isClosed) {
    standing = await upload(
      context,
      { round, basis: basis.value, self: self.value, keys, isMade: held !== undefined },
      start.value,
      signal,
    );
  }
  if (!round.committee.includes(known.index)) return standing;
  return (await serve(context, round, keys, signal)) ?? standing;
}

/** Committee duty; undefined where nothing is asked for, or the others were enough. */
async function serve(
  { board, memory }: MemberContext,
  round: Round,
  keys: MemberKeys,
  signal: AbortSignal,
): Promise<MemberStanding | undefined> {
  try {
    const duties = await serveCommittee(board, round, { keys, memory }, signal);
    const number = round.plan.round;
    for (const duty of duties) {
      if (duty.kind === 'refused') return { kind: 'refuses', round: number, refusal: duty.refusal };
    }
    return duties.some(({ kind }) => kind === 'released') ? { kind: 'released', round: number } : undefined;
  } catch (error) {
    if (error instanceof BoardRefusal && error.refusal === 'roundOver') return undefined;
    throw error;
  }
}

interface Part {
  readonly round: Round;
  /** By which the update is reduced, where it is. */
  readonly basis: Basis | undefined;
  readonly self: CohortMember;
  readonly keys: MemberKeys;
  /** An upload is on record: it is sent as it is. */
  readonly isMade: boolean;
}

async function upload(
  context: MemberContext,
  { round, basis, self, keys, isMade }: Part,
  start: Float32Array | undefined,
  signal: AbortSignal,
): Promise<MemberStanding> {
  const { board, memory } = context;
  const number = round.plan.round;
  const local = isMade ? undefined : await trainFrom(context, round, start, signal);
  if (local?.ok === false) return { kind: 'notTrained', round: number, problem: local.problem, message: local.message };
  const own = local && reduced(local.value, basis);
  if (own?.ok === false) return { kind: 'refuses', round: number, refusal: own.refusal };
  const vector = async (): Promise<Outcome<RingVector>> => {
    if (own === undefined) throw new Error('The upload was on record, and is not any more.');
    return quantised(round, own.value);
  };
  if (own !== undefined) {
    const before = start === undefined ? undefined : { total: start, file: startFileOf(context, round) };
    const work = workFolder(context, round);
    const forecast = await weighRound(context, { round, basis, update: own.value.update }, before, work, signal);
    if (forecast?.takesPart === false) {
      return { kind: 'objects', round: number, objection: { kind: 'noGain', forecast } };
    }
  }
  const objection = isMade ? undefined : await recordSpend(context, round);
  if (objection !== undefined) return { kind: 'objects', round: number, objection };
  try {
    const sent = await sendUpload(board, round, self, { keys, memory }, vector, signal);
    if (!sent.ok) return { kind: 'refuses', round: number, refusal: sent.refusal };
  } catch (error) {
    // The deadline went by: nothing is lost but this round.
    if (error instanceof BoardRefusal && error.refusal === 'late') return { kind: 'missed', round: number };
    throw error;
  }
  await rm(workFolder(context, round), { recursive: true, force: true });
  return { kind: 'uploaded', round: number };
}

async function trainFrom(
  context: MemberContext,
  round: Round,
  start: Float32Array | undefined,
  signal: AbortSignal,
): Promise<LocalOutcome<LocalUpdate>> {
  const { adapter, training, privacy, maxWeight, parent } = round.plan;
  let startFile: string | undefined;
  if (start !== undefined && parent !== null) {
    startFile = startFileOf(context, round);
    const message = 'The team’s adapter could not be written.';
    if (!(await adapterFile(context, adapter, start, startFile, signal))) {
      return { ok: false, problem: 'trainerFailed', message };
    }
  }
  const job = {
    ...{ adapter, training, privacy, maxWeight, start: startFile, work: workFolder(context, round) },
    order: round.plan.round,
  };
  return context.trainer.train(
    { ...job, onProgress: (progress) => context.onProgress?.(round.plan.round, progress) },
    signal,
  );
}

/**
 * What the round costs, on disk before its upload is made. That it is there already means that a crash came before the upload
 * was on record, and so before anything left: the same entry pays for it.
 */
async function recordSpend(
  { account, policy, enrolment }: MemberContext,
  round: Round,
): Promise<PlanObjection | undefined> {
  const privacy = planPrivacy(round.plan);
  if (privacy === undefined) return undefined;
  const caps = privacyCaps(policy.effective(enrolment.minimums));
  const purpose = `round ${hex(round.id)}`;
  const outcome = await account.spend({ unit: privacy.unit, purpose, release: privacy.release, caps });
  return outcome.ok || outcome.reason === 'alreadySpent' ? undefined : { kind: 'budget', budget: outcome.budget };
}

/** What is sent of an update: all of it, or how far it goes along the round's basis. */
function reduced(local: LocalUpdate, basis: Basis | undefined): Outcome<LocalUpdate> {
  if (basis === undefined) return accept(local);
  const update = reduceUpdate(local.update, basis);
  return update.ok ? accept({ ...local, update: update.value }) : update;
}

/** Clips and rounds, with this member's share of the noise where the plan asks for it; then come the masks. */
function quantised(round: Round, { update, weight }: LocalUpdate): Outcome<RingVector> {
  const rounded = quantiseForPlan(round, update, weight);
  return rounded.ok ? accept(rounded.value.vector) : rounded;
}

/**
 * What a round that is over leaves to do: the payload and the training's files go, and new keys come, so that who steals the
 * machine later opens no masks of it.
 */
export async function closeRound(context: MemberContext, round: Round, signal: AbortSignal): Promise<void> {
  const { identity, memory } = context;
  await memory.forgetPayload(round.id);
  await rm(workFolder(context, round), { recursive: true, force: true });
  const own = memberByKey(round, identity.signing.publicKey);
  const newest = await identity.newest(signal);
  if (own !== undefined && own.generation >= newest.generation) await identity.renew(signal);
}

/** The team's adapter that a round starts from, where it starts from one. */
function startFileOf({ adoption }: MemberContext, { plan }: Round): string {
  return adoption.fileOf(hex(plan.parent ?? new Uint8Array(0)));
}

function workFolder({ folder }: MemberContext, round: Round): string {
  return join(folder, 'work', hex(round.id));
}
