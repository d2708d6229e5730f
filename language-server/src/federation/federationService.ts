import { rm } from 'node:fs/promises';
import type { RoundPoint } from '#protocol/dashboard.ts';
import { fromHex } from '#protocol/federation/bytes.ts';
import {
  BoardRefusal,
  type FederationState,
  type HttpBoard,
  httpBoard,
  type SendHttp,
} from '#protocol/federation/httpBoard.ts';
import type { FederationOutcome, TeamView } from '#protocol/federationViews.ts';
import type { PrivacyAccount } from '../ledger/spendLedgerFile.ts';
import type { PolicyService } from '../policy/policyService.ts';
import { adoptionIn, type Judgement } from './adoption.ts';
import { type Consent, consentsIn } from './consents.ts';
import { openIdentity } from './identity.ts';
import type { KeyStore } from './keyStore.ts';
import type { LocalTrainer } from './localTrainer.ts';
import { type AdoptedChange, type FederationMember, federationMember } from './member.ts';
import { standingSentence } from './standing.ts';

export interface FederationDeps {
  readonly home: string;
  readonly keys: KeyStore & { readonly hasWindow: () => boolean };
  readonly policy: PolicyService;
  readonly account: PrivacyAccount;
  /** Carries requests for one team. */
  readonly transport: (team: string) => Promise<SendHttp>;
  /** Bytes that the ledger says have left for an origin. */
  readonly sentBytes: (origin: string) => Promise<number>;
  /** Undefined while no model is loaded or no trainer is there. */
  readonly trainer: (consent: Consent, folder: string) => Promise<LocalTrainer | undefined>;
  /** Makes completions follow a team's adapter; false where that can't be done yet. */
  readonly follow: (consent: Consent, change: AdoptedChange, signal: AbortSignal) => Promise<boolean>;
  readonly offerPolicy: (file: Uint8Array) => Promise<void>;
  readonly everyMs: number;
  readonly log: (message: string) => void;
  readonly onChange: () => void;
}

/** This user's part in all teams: joins, goes through the rounds by itself, and leaves. */
export interface FederationService extends AsyncDisposable {
  join(consent: Consent): Promise<FederationOutcome>;
  leave(federation: string): Promise<FederationOutcome>;
  /** What is known of a team that this user has joined. */
  view(federation: string): Promise<JoinedView | undefined>;
  /** Rounds of all teams that this machine has judged or goes through, oldest first. */
  rounds(): Promise<readonly RoundRecord[]>;
}

export type RoundRecord = Omit<RoundPoint, 'epsilon'> & {
  /** In hex; the account of privacy names it. */
  readonly plan: string;
};

export type JoinedView = Pick<TeamView, 'standing' | 'sentBytes' | 'members' | 'round' | 'gain'> & {
  readonly name: string;
};

interface Team {
  readonly consent: Consent;
  sentence: string;
  state: FederationState | undefined;
  member: FederationMember | undefined;
  board: HttpBoard | undefined;
}

export async function openFederationService(deps: FederationDeps): Promise<FederationService> {
  const consents = consentsIn(deps.home);
  const teams = new Map<string, Team>();
  const closing = new AbortController();
  let stepping: Promise<void> | undefined;
  for (const consent of await consents.list()) teams.set(consent.enrolment.federation, newTeam(consent));

  async function memberOf(team: Team, signal: AbortSignal): Promise<FederationMember | undefined> {
    if (team.member !== undefined) return team.member;
    const { consent } = team;
    const { enrolment } = consent;
    const folder = consents.folderOf(enrolment.federation);
    const trainer = await deps.trainer(consent, folder);
    if (trainer === undefined) return undefined;
    const identity = await openIdentity(folder, enrolment.federation, deps.keys, signal);
    const send = await deps.transport(consent.name);
    const federation = fromHex(enrolment.federation);
    const { url } = enrolment.coordinator;
    team.board = httpBoard({ url, federation, keys: identity.signing, send, nowMs: Date.now });
    const { policy, account, offerPolicy } = deps;
    team.member = federationMember({
      folder,
      name: consent.name,
      enrolment,
      identity,
      board: team.board,
      trainer,
      policy,
      account,
      offerPolicy,
      onProgress: (round, { step, steps }) => tellProgress(team, round, `step ${step} of ${steps}`),
    });
    return team.member;
  }

  /** A step of training may take hours: the view says so meanwhile, with the round as the coordinator sees it. */
  function tellProgress(team: Team, round: number, where: string): void {
    const isNew = team.state?.round?.number !== round;
    team.sentence = `Round ${round}: this machine trains, ${where}.`;
    deps.onChange();
    if (!isNew) return;
    const asked = team.board?.state(closing.signal).then((state) => {
      team.state = state;
      deps.onChange();
    });
    asked?.catch((error: unknown) => deps.log(`Federation: ${String(error)}`));
  }

  async function step(team: Team, signal: AbortSignal): Promise<void> {
    const sentence = team.sentence;
    try {
      const member = await memberOf(team, signal);
      if (member === undefined) team.sentence = 'Waits for a model and its trainer on this machine.';
      else {
        const standing = await member.advance(signal);
        const isInside = standing.kind !== 'waitingForLead' && standing.kind !== 'forbidden';
        const state = isInside ? await team.board?.state(signal) : undefined;
        team.state = state;
        team.sentence = standingSentence(standing);
        // To judge an adapter takes a while.
        if (team.sentence !== sentence) deps.onChange();
        if (isInside) await member.handOn((change) => deps.follow(team.consent, change, signal));
      }
    } catch (error) {
      if (signal.aborted) return;
      const why = error instanceof Error ? error.message : String(error);
      team.sentence = error instanceof BoardRefusal ? why : `The coordinator can't be reached now: ${why}`;
      deps.log(`Federation ${team.consent.enrolment.federation.slice(0, 8)}: ${why}`);
    }
    if (team.sentence !== sentence) deps.onChange();
  }

  /** One step of each team, one after another; asked for again while it goes on, it goes on. */
  function stepAll(): Promise<void> {
    stepping ??= (async () => {
      if (!deps.keys.hasWindow()) return;
      for (const team of teams.values()) if (!closing.signal.aborted) await step(team, closing.signal);
    })().finally(() => {
      stepping = undefined;
    });
    return stepping;
  }
  const ticks = setInterval(() => void stepAll(), deps.everyMs);

  return {
    async join(consent) {
      const { federation } = consent.enrolment;
      await consents.give(consent);
      teams.set(federation, newTeam(consent));
      await stepping;
      void stepAll().then(deps.onChange);
      return { ok: true, message: `You have asked to be let in as ${consent.name}. The lead of the team decides.` };
    },
    async leave(federation) {
      const team = teams.get(federation);
      if (team === undefined) return { ok: false, message: 'You are not in this team.' };
      // From here on nothing is sent but the word of leaving itself.
      await consents.withdraw(federation);
      teams.delete(federation);
      await stepping;
      const told = await memberOf(team, closing.signal)
        .then(async (member) => {
          await member?.leave(closing.signal);
          return member !== undefined;
        })
        .catch(() => false);
      await rm(consents.folderOf(federation), { recursive: true, force: true });
      deps.onChange();
      const unsaid = told ? '' : ' The coordinator could not be told; the lead can remove you.';
      return { ok: true, message: `You have left the team. Nothing more of this machine goes to it.${unsaid}` };
    },
    async view(federation) {
      const team = teams.get(federation);
      if (team === undefined) return undefined;
      const { consent, sentence: standing, state } = team;
      const sentBytes = await deps.sentBytes(new URL(consent.enrolment.coordinator.url).origin);
      const last = (await team.member?.judgements())?.findLast(({ adopt, baseLoss }) => adopt && baseLoss > 0);
      return {
        name: consent.name,
        standing,
        sentBytes,
        ...(state === undefined ? {} : { members: state.members }),
        ...(state?.round ? { round: state.round } : {}),
        ...(last === undefined ? {} : { gain: 1 - last.candidateLoss / last.baseLoss }),
      };
    },
    async rounds() {
      const all = [...teams.values()].map(async ({ consent, state, sentence }): Promise<readonly RoundRecord[]> => {
        const name = consent.folder.split('/').at(-1) ?? consent.folder;
        const { judged } = await adoptionIn(consents.folderOf(consent.enrolment.federation)).read();
        const done = judged.map((judgement) => ({ team: name, ...recordOf(judgement) }));
        const open = state?.round;
        if (open == null || judged.some(({ plan }) => plan === open.plan)) return done;
        return [...done, { team: name, round: open.number, plan: open.plan, atMs: Date.now(), outcome: sentence }];
      });
      return (await Promise.all(all)).flat().sort((a, b) => a.atMs - b.atMs);
    },
    async [Symbol.asyncDispose]() {
      clearInterval(ticks);
      closing.abort();
      await stepping;
    },
  };
}

function recordOf(judgement: Judgement) {
  const { round, plan, atMs, baseLoss, candidateLoss, forecast } = judgement;
  return {
    ...{ round, plan, atMs, outcome: standingSentence({ kind: 'judged', round, judgement }) },
    ...(baseLoss > 0 ? { gain: 1 - candidateLoss / baseLoss } : {}),
    ...(forecast === undefined ? {} : { forecast }),
  };
}

function newTeam(consent: Consent): Team {
  return { consent, sentence: 'Starts.', state: undefined, member: undefined, board: undefined };
}
