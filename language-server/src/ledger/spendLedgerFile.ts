import { join } from 'node:path';
import { type Budget, budgetFor, type PrivacyCaps } from '#protocol/privacy/budget.ts';
import type { Release } from '#protocol/privacy/mechanism.ts';
import { type Spend, spendSchema } from '#protocol/privacy/spendLedger.ts';
import { chainFile } from './chainFile.ts';

/** A member's lifetime account of privacy, on disk: `<home>/ledger/privacy.jsonl`. */
export interface PrivacyAccount {
  /**
   * Weighs a release against the caps and records it in full, in one step: only when this resolves with `ok` may the release
   * begin, and however that ends the entry stays. `purpose` is unique for ever, so a round is paid once. Throws
   * `LedgerBroken` where the ledger can't be relied on, and disk errors: then nothing may be released.
   */
  spend(request: SpendRequest): Promise<SpendOutcome>;
  spends(): Promise<readonly Spend[]>;
}

export interface SpendRequest {
  readonly unit: Spend['unit'];
  readonly purpose: string;
  readonly release: Release;
  readonly caps: PrivacyCaps;
}

export type SpendOutcome =
  | { readonly ok: true; readonly spend: Spend; readonly afterwards: Extract<Budget, { ok: true }>['afterwards'] }
  /** The same purpose was paid before: what was released then must not be released anew with other noise. */
  | { readonly ok: false; readonly reason: 'alreadySpent' }
  | { readonly ok: false; readonly reason: 'cap'; readonly budget: Extract<Budget, { ok: false }> };

class Declined extends Error {
  readonly outcome: Extract<SpendOutcome, { ok: false }>;
  constructor(outcome: Extract<SpendOutcome, { ok: false }>) {
    super(outcome.reason);
    this.outcome = outcome;
  }
}

export function privacyAccount(home: string, now: () => number = Date.now): PrivacyAccount {
  const file = chainFile({
    path: join(home, 'ledger', 'privacy.jsonl'),
    schema: spendSchema,
    name: 'The privacy ledger',
    now,
  });
  return {
    async spend({ unit, purpose, release, caps }) {
      let afterwards: Extract<Budget, { ok: true }>['afterwards'] | undefined;
      try {
        const spend = await file.append(async (link, before) => {
          const entries = await before();
          if (entries.some((each) => each.purpose === purpose)) {
            throw new Declined({ ok: false, reason: 'alreadySpent' });
          }
          const budget = budgetFor(entries, unit, release, caps, link.at);
          if (!budget.ok) throw new Declined({ ok: false, reason: 'cap', budget });
          afterwards = budget.afterwards;
          return { ...link, unit, purpose, release };
        });
        return {
          ok: true,
          spend,
          afterwards: afterwards ?? { epsilonPerRound: 0, epsilonPerYear: 0, epsilonLifetime: 0 },
        };
      } catch (error) {
        if (error instanceof Declined) return error.outcome;
        throw error;
      }
    },
    spends: () => file.read(),
  };
}
