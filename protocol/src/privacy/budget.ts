import { privacySpent, privacySpentRdp } from './accountant.ts';
import type { Release } from './mechanism.ts';
import { releasesSince, type Spend } from './spendLedger.ts';

/** The most that may be spent, at one delta; Infinity where there is no cap. */
export interface PrivacyCaps {
  readonly delta: number;
  readonly epsilonPerRound: number;
  readonly epsilonPerYear: number;
  readonly epsilonLifetime: number;
}

export type CapField = Exclude<keyof PrivacyCaps, 'delta'>;

export type Budget =
  | { readonly ok: true; readonly afterwards: Readonly<Record<CapField, number>> }
  /** `left` is what the cap leaves of epsilon before the release; it is not additive, so a smaller release may cost more than it. */
  | {
      readonly ok: false;
      readonly field: CapField;
      readonly cap: number;
      readonly wouldBe: number;
      readonly left: number;
    };

const yearMs = 366 * 24 * 3600 * 1000;
const fields: readonly CapField[] = ['epsilonPerRound', 'epsilonPerYear', 'epsilonLifetime'];

/** Whether a release fits under each cap, with all that was spent before for the same unit. */
export function budgetFor(
  spends: readonly Spend[],
  unit: Spend['unit'],
  release: Release,
  caps: PrivacyCaps,
  now: number,
): Budget {
  const before: Readonly<Record<CapField, readonly Release[]>> = {
    epsilonPerRound: [],
    epsilonPerYear: releasesSince(spends, unit, now - yearMs),
    epsilonLifetime: releasesSince(spends, unit, 0),
  };
  const afterwards = { epsilonPerRound: 0, epsilonPerYear: 0, epsilonLifetime: 0 };
  for (const field of fields) {
    const epsilon = epsilonUnder(caps[field], [...before[field], release], caps.delta);
    // A cap that is not a number admits nothing.
    if (!(epsilon <= caps[field])) {
      const left = Math.max(0, caps[field] - privacySpent(before[field], caps.delta).epsilon);
      return { ok: false, field, cap: caps[field], wouldBe: epsilon, left };
    }
    afterwards[field] = epsilon;
  }
  return { ok: true, afterwards };
}

/**
 * The fast bound where it settles the matter, the tight one where that could still be under the cap. Far above it, it
 * could not: a plan from outside must not be able to keep the machine busy.
 */
function epsilonUnder(cap: number, releases: readonly Release[], delta: number): number {
  const fast = privacySpentRdp(releases, delta);
  return fast <= cap || fast > Math.max(50, 4 * cap) ? fast : privacySpent(releases, delta).epsilon;
}
