import type { ProtocolConnection } from 'vscode-languageserver-protocol/node';
import { type DashboardView, dashboardRequest, type PrivacySpent, type RoundPoint } from '#protocol/dashboard.ts';
import type { AdapterSummary } from '#protocol/learningRuns.ts';
import type { Left } from '#protocol/ledger.ts';
import { privacySpentRdp } from '#protocol/privacy/accountant.ts';
import type { PrivacyCaps } from '#protocol/privacy/budget.ts';
import type { Spend } from '#protocol/privacy/spendLedger.ts';
import type { RoundRecord } from '../federation/federationService.ts';
import type { PrivacyAccount } from '../ledger/spendLedgerFile.ts';
import type { LeftLedger } from '../network/leftLedger.ts';
import { privacyCaps } from '../policy/policyService.ts';
import type { LivePolicy } from '../policyFiles/livePolicy.ts';
import { type DailyTally, dayOf } from './dailyTally.ts';
import { policyView } from './policyRequests.ts';

export interface DashboardDeps {
  readonly policy: LivePolicy;
  readonly left: LeftLedger;
  readonly account: PrivacyAccount;
  readonly tally: DailyTally;
  readonly adapters: () => Promise<readonly AdapterSummary[]>;
  readonly rounds: () => Promise<readonly RoundRecord[]>;
  readonly complaints: () => readonly string[];
  readonly now: () => number;
}

const shownEntries = 500;
const yearMs = 366 * 24 * 3600 * 1000;

export function serveDashboard(connection: ProtocolConnection, deps: DashboardDeps): void {
  connection.onRequest(dashboardRequest, () => dashboardView(deps));
}

export async function dashboardView(deps: DashboardDeps): Promise<DashboardView> {
  const { policy, left, account, tally } = deps;
  const spends = await account.spends();
  const caps = privacyCaps(policy.effective());
  const read = await left.read(Number.POSITIVE_INFINITY);
  return {
    completions: tally.days(),
    adapters: await deps.adapters(),
    rounds: (await deps.rounds()).map((round) => withEpsilon(round, spends, caps.delta)),
    privacy: privacyViews(spends, caps, deps.now()),
    left: { check: read.check, days: bytesByDay(read.entries), entries: read.entries.slice(-shownEntries) },
    policy: policyView(policy, deps.complaints()),
  };
}

function withEpsilon({ plan, ...round }: RoundRecord, spends: readonly Spend[], delta: number): RoundPoint {
  const spend = spends.find(({ purpose }) => purpose === `round ${plan}`);
  return spend === undefined ? round : { ...round, epsilon: privacySpentRdp([spend.release], delta) };
}

/** By the fast accountant, which is an upper bound: a curve of many points need not be tight. */
function privacyViews(spends: readonly Spend[], caps: PrivacyCaps, now: number): readonly PrivacySpent[] {
  const cap = Number.isFinite(caps.epsilonPerYear) ? caps.epsilonPerYear : null;
  return (['member', 'record'] as const).flatMap((unit) => {
    const own = spends.filter((spend) => spend.unit === unit && spend.at >= now - yearMs);
    if (own.length === 0) return [];
    const points = own.map(({ at, purpose }, i) => {
      const releases = own.slice(0, i + 1).map(({ release }) => release);
      return { atMs: at, purpose, epsilon: privacySpentRdp(releases, caps.delta) };
    });
    return [{ unit, delta: caps.delta, capPerYear: cap, points }];
  });
}

function bytesByDay(entries: readonly Left[]): DashboardView['left']['days'] {
  const days = new Map<string, { bytes: number; requests: number }>();
  for (const entry of entries) {
    const day = dayOf(new Date(entry.at));
    const sum = days.get(day) ?? { bytes: 0, requests: 0 };
    days.set(day, {
      bytes: sum.bytes + ('bytes' in entry ? entry.bytes : 0),
      requests: sum.requests + (entry.kind === 'tunnelClosed' ? 0 : 1),
    });
  }
  return [...days].map(([day, sum]) => ({ day, ...sum }));
}
