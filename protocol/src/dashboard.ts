import { RequestType } from 'vscode-languageserver-protocol';
import type { AdapterSummary } from './learningRuns.ts';
import type { LedgerCheck, Left } from './ledger.ts';
import type { PolicyView } from './policy.ts';

/** One day of completions on this machine, all windows together; days by local time, such as 2026-11-25. */
export interface CompletionDay {
  readonly day: string;
  readonly shown: number;
  readonly accepted: number;
  /** Accepted and not undone. */
  readonly kept: number;
  /** Milliseconds from the editor's request to the answer, of requests that got a suggestion; null where there were none. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

export interface RoundPoint {
  readonly team: string;
  readonly round: number;
  readonly atMs: number;
  /** Where this machine stands or stood, as a sentence. */
  readonly outcome: string;
  /** Share of the base model's loss on this developer's held-out code that the round's adapter saves. */
  readonly gain?: number;
  /** What the round cost of this member's privacy, where it had a mechanism. */
  readonly epsilon?: number;
  /** What the forecast said and what came of it, in words, where there was a forecast. */
  readonly forecast?: string;
}

export interface PrivacySpent {
  readonly unit: 'record' | 'member';
  readonly delta: number;
  /** Null is no cap. */
  readonly capPerYear: number | null;
  /** After each spend of the last year, all of that year together. */
  readonly points: readonly { readonly atMs: number; readonly purpose: string; readonly epsilon: number }[];
}

export interface DashboardView {
  readonly completions: readonly CompletionDay[];
  readonly adapters: readonly AdapterSummary[];
  readonly rounds: readonly RoundPoint[];
  /** Each unit for which something was spent. */
  readonly privacy: readonly PrivacySpent[];
  readonly left: {
    readonly check: LedgerCheck;
    readonly days: readonly { readonly day: string; readonly bytes: number; readonly requests: number }[];
    /** The newest last. */
    readonly entries: readonly Left[];
  };
  readonly policy: PolicyView;
}

/** Extension → server, when the dashboard opens and while it is in front. */
export const dashboardRequest = new RequestType<null, DashboardView, void>('argot/dashboard');
