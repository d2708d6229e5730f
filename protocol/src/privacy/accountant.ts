import { lossDelta, lossEpsilon } from './lossAccountant.ts';
import type { Release } from './mechanism.ts';
import { composedCurve, renyiDelta, renyiEpsilon } from './renyiAccountant.ts';

/** What releases have cost together, at one delta. Each accountant is an upper bound by itself, so the lower one counts. */
export interface Spent {
  readonly epsilon: number;
  readonly method: 'rdp' | 'pld';
  readonly epsilonRdp: number;
  /** The Rényi order of `epsilonRdp`. */
  readonly order: number;
  /** Absent where no loss distribution is known for one of the mechanisms. */
  readonly epsilonPld?: number;
}

/** `delta` lies strictly between 0 and 1. */
export function privacySpent(releases: readonly Release[], delta: number): Spent {
  checkDelta(delta);
  if (releases.length === 0) return { epsilon: 0, method: 'rdp', epsilonRdp: 0, order: 2 };
  const { epsilon: epsilonRdp, order } = renyiEpsilon(composedCurve(releases), delta);
  const epsilonPld = lossEpsilon(releases, delta);
  if (epsilonPld === undefined) return { epsilon: epsilonRdp, method: 'rdp', epsilonRdp, order };
  const method = epsilonPld < epsilonRdp ? 'pld' : 'rdp';
  return { epsilon: Math.min(epsilonPld, epsilonRdp), method, epsilonRdp, order, epsilonPld };
}

/** An upper bound that takes milliseconds: for a refusal at once, and for the search in `calibration.ts`. */
export function privacySpentRdp(releases: readonly Release[], delta: number): number {
  checkDelta(delta);
  return releases.length === 0 ? 0 : renyiEpsilon(composedCurve(releases), delta).epsilon;
}

/** The least delta known at which `epsilon` ≥ 0 holds. */
export function deltaSpent(releases: readonly Release[], epsilon: number): number {
  if (!(epsilon >= 0)) throw new RangeError(`Epsilon must not be negative: ${epsilon}.`);
  if (releases.length === 0) return 0;
  return Math.min(renyiDelta(composedCurve(releases), epsilon), lossDelta(releases, epsilon) ?? 1);
}

function checkDelta(delta: number): void {
  if (!(delta > 0 && delta < 1)) throw new RangeError(`Delta must lie between 0 and 1: ${delta}.`);
}
