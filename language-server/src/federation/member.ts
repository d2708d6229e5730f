import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { membershipTopic, policyTopic, readTopic } from '#protocol/federation/board.ts';
import { hex } from '#protocol/federation/bytes.ts';
import type { HttpBoard } from '#protocol/federation/httpBoard.ts';
import { isInRoster } from '#protocol/federation/membership.ts';
import type { Roster } from '#protocol/federation/messages.ts';
import type { Refusal } from '#protocol/federation/refusal.ts';
import { openRoster } from '#protocol/federation/roster.ts';
import { type Signed, sha256, signMessage } from '#protocol/federation/signedMessage.ts';
import type { PrivacyAccount } from '../ledger/spendLedgerFile.ts';
import { PolicyForbids, type PolicyService, permittedWhile } from '../policy/policyService.ts';
import { type Adoption, adoptionIn, type Judgement, rolledBack, stepToFollow } from './adoption.ts';
import { type Claims, claimsIn } from './claims.ts';
import { anchorsOf, type Enrolment } from './enrolment.ts';
import { type FederationLog, readEnd, readLog } from './federationLog.ts';
import type { Identity } from './identity.ts';
import { judgeNewestResult } from './judging.ts';
import type { LocalProblem, LocalTrainer, TrainingProgress } from './localTrainer.ts';
import { type DurableMemory, durableMemory } from './memberMemory.ts';
import type { PlanObjection } from './planCheck.ts';
import { judgeStart, type StartStanding } from './startJudging.ts';
import { closeRound, takePart } from './takingPart.ts';
import { type TeamChain, teamChain } from './teamChain.ts';

/** One step after another of a member's side of a federation; each may be repeated, and is after a crash. */
export interface FederationMember {
  /**
   * Does all that can be done now: asks to join, judges the last result, trains, uploads, serves the committee. Calls must
   * not overlap. Throws a `BoardRefusal` or a network error where the coordinator says no or can't be reached: later is
   * as good as now.
   */
  advance(signal: AbortSignal): Promise<MemberStanding>;
  /** Back to the adapter before the one in use. */
  rollBack(): Promise<void>;
  /** Tells the team, and deletes what was kept for it. */
  leave(signal: AbortSignal): Promise<void>;
  /** File of the team adapter in use; undefined is none. */
  activeAdapter(): Promise<string | undefined>;
  /**
   * Hands on what completions have not followed yet; what was handed on is told again, after a crash too, until `follow` says
   * that it is done.
   */
  handOn(follow: (change: AdoptedChange) => Promise<boolean>): Promise<void>;
  judgements(): Promise<readonly Judgement[]>;
}

/** The team's adapter that this member adopted in a round (0: the lead's start), or that it used and that was taken out of use. */
export type AdoptedChange =
  | { readonly kind: 'adopt'; readonly file: string; readonly round: number }
  | { readonly kind: 'withdraw'; readonly file: string };

/** Where a member stands after a step. */
export type MemberStanding =
  | { readonly kind: 'waitingForLead' }
  | { readonly kind: 'noRound'; readonly start?: StartStanding }
  | { readonly kind: 'notInRound'; readonly round: number }
  /** Policy forbids this federation as such, whatever a round asks. */
  | { readonly kind: 'forbidden'; readonly objection: Extract<PlanObjection, { readonly kind: 'policy' }> }
  | { readonly kind: 'objects'; readonly round: number; readonly objection: PlanObjection }
  | { readonly kind: 'refuses'; readonly round: number; readonly refusal: Refusal }
  | { readonly kind: 'notTrained'; readonly round: number; readonly problem: LocalProblem; readonly message: string }
  | { readonly kind: 'missed'; readonly round: number }
  | { readonly kind: 'uploaded'; readonly round: number }
  | { readonly kind: 'released'; readonly round: number }
  | { readonly kind: 'failed'; readonly round: number; readonly reason: string }
  | { readonly kind: 'judged'; readonly round: number; readonly judgement: Judgement };

export interface MemberOptions {
  /** Of this federation alone. */
  readonly folder: string;
  readonly name: string;
  readonly enrolment: Enrolment;
  readonly identity: Identity;
  readonly board: HttpBoard;
  readonly trainer: LocalTrainer;
  readonly policy: PolicyService;
  /** This machine's, of all federations together: what a round costs is on record before anything of it leaves. */
  readonly account: PrivacyAccount;
  /** The organisation's signed policy, as the coordinator has it: it counts where the key is pinned here and it is newer. */
  readonly offerPolicy?: (file: Uint8Array) => Promise<void>;
  readonly onProgress?: (round: number, progress: TrainingProgress) => void;
}

/** What every step of a member works with. */
export interface MemberContext extends MemberOptions {
  readonly memory: DurableMemory;
  readonly adoption: Adoption;
  readonly chain: TeamChain;
  /** What the organisation says now; what it forbids from here on stops by the signal. */
  passOnPolicy(signal: AbortSignal): Promise<void>;
}

export function federationMember(options: MemberOptions): FederationMember {
  const { folder, board, identity, enrolment } = options;
  const offered = new Set<string>();
  const adoption = adoptionIn(folder);
  const context: MemberContext = {
    ...options,
    adoption,
    memory: durableMemory(folder),
    chain: teamChain(folder, board),
    async passOnPolicy(signal) {
      if (options.offerPolicy === undefined) return;
      for (const file of await readTopic(board, policyTopic, signal)) {
        const name = hex(sha256(file));
        if (!offered.has(name)) await options.offerPolicy(file);
        offered.add(name);
      }
    },
  };
  return {
    advance: (signal) => advanceWhilePermitted(context, signal),
    rollBack: async () => adoption.write(rolledBack(await adoption.read())),
    async leave(signal) {
      const { generation, signing } = await identity.newest(signal);
      const body = { type: 'leave', federation: anchorsOf(enrolment).federation, generation };
      await board.post(membershipTopic, signMessage(body, signing), signal);
      await identity.destroy(signal);
      await rm(folder, { recursive: true, force: true });
    },
    async activeAdapter() {
      const { active } = await adoption.read();
      return active === null ? undefined : adoption.fileOf(active);
    },
    async handOn(follow) {
      const step = stepToFollow(await adoption.read());
      if (step === undefined || !(await follow({ ...step, file: adoption.fileOf(step.result) }))) return;
      const state = await adoption.read();
      await adoption.write({ ...state, followed: state.active });
    },
    judgements: async () => (await adoption.read()).judged,
  };
}

/** What policy forbids while it goes on stops at once: training, waiting and sending alike. */
async function advanceWhilePermitted(context: MemberContext, outer: AbortSignal): Promise<MemberStanding> {
  const { policy, enrolment } = context;
  const action = {
    kind: 'enrol',
    coordinator: new URL(enrolment.coordinator.url).origin,
    coordinatorKey: hex(sha256(anchorsOf(enrolment).coordinator)),
    minimums: enrolment.minimums,
  } as const;
  using permit = permittedWhile(policy, action, outer);
  const { signal } = permit;
  const forbidden = (): MemberStanding | undefined =>
    signal.reason instanceof PolicyForbids
      ? { kind: 'forbidden', objection: { kind: 'policy', refusal: signal.reason.refusal } }
      : undefined;
  if (signal.aborted) return forbidden() ?? advance(context, signal);
  try {
    const standing = await advance(context, signal);
    return forbidden() ?? standing;
  } catch (error) {
    const standing = forbidden();
    if (standing !== undefined) return standing;
    throw error;
  }
}

async function advance(context: MemberContext, signal: AbortSignal): Promise<MemberStanding> {
  const log = await syncMembership(context, signal);
  if (!isInRoster(log.membership.roster, context.identity.signing.publicKey)) return { kind: 'waitingForLead' };
  await context.passOnPolicy(signal);
  signal.throwIfAborted();
  const judged = await judgeNewestResult(context, log, signal);
  const start = judged === undefined ? await judgeStart(context, log, signal) : undefined;
  const last = log.plans.at(-1);
  if (last === undefined) return { kind: 'noRound', ...(start === undefined ? {} : { start }) };
  const number = last.body.round;
  const round = log.open(last);
  if (!round.ok) return { kind: 'refuses', round: number, refusal: round.refusal };
  const end = await readEnd(context.board, round.value, signal);
  switch (end.kind) {
    case 'open':
      return takePart(context, log, round.value, signal);
    case 'failed':
      await closeRound(context, round.value, signal);
      return { kind: 'failed', round: number, reason: end.reason };
    case 'refused':
      return { kind: 'refuses', round: number, refusal: end.refusal };
    case 'published':
      return judged ?? { kind: 'notInRound', round: number };
  }
}

/** Posts what is missing of this member's own messages, and keeps the newest roster against a rollback. */
async function syncMembership(context: MemberContext, signal: AbortSignal): Promise<FederationLog> {
  const { board, enrolment, identity, name, folder } = context;
  const anchors = anchorsOf(enrolment);
  const rosters = claimsIn(join(folder, 'rosters'));
  const known = await newestRoster(rosters, enrolment);
  if (!isInRoster(known, identity.signing.publicKey)) {
    const body = { type: 'join', federation: anchors.federation, name };
    await board.post(membershipTopic, signMessage(body, identity.signing), signal);
  }
  const log = await readLog(board, anchors, known, identity.signing.publicKey, signal);
  const { roster, cards } = log.membership;
  const message = log.rosterMessage;
  if (roster !== undefined && message !== undefined) await rosters.claim(String(roster.body.version), message);
  const own = await identity.newest(signal);
  const posted = cards.get(hex(identity.signing.publicKey))?.card.body.generation ?? -1;
  if (posted < own.generation) {
    await board.post(membershipTopic, await identity.card(anchors.federation, signal), signal);
  }
  return log;
}

async function newestRoster(rosters: Claims, enrolment: Enrolment): Promise<Signed<Roster> | undefined> {
  const versions = (await rosters.names()).map(Number).filter(Number.isSafeInteger);
  const message = versions.length === 0 ? undefined : await rosters.read(String(Math.max(...versions)));
  const roster = message === undefined ? undefined : openRoster(message, anchorsOf(enrolment), undefined);
  return roster?.ok === true ? roster.value : undefined;
}
