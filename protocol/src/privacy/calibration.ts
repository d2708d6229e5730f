import { privacySpent, privacySpentRdp, type Spent } from './accountant.ts';
import type { Mechanism, Release } from './mechanism.ts';
import { firstWhere } from './search.ts';

export interface Target {
  readonly epsilon: number;
  readonly delta: number;
}

export type Calibration =
  | { readonly ok: true; readonly noise: number; readonly releases: readonly Release[]; readonly spent: Spent }
  /** No noise in the range that the accountant takes is enough. */
  | { readonly ok: false; readonly most: number; readonly epsilonAtMost: number };

/** Smallest and largest noise that `mechanismSchema` takes, as the parameter that a caller varies. */
const range = { low: 1e-2, high: 1e6 } as const;
/** Of the noise, relative; the answer errs to the side of more noise. */
const precision = 1e-4;

/**
 * The least noise with which releases meet a target; `releasesAt` names them for a noise. More noise must not cost more,
 * as is so for the noise multiplier, sigma and the variance. What comes back was accounted: its epsilon is at most the
 * target's.
 */
export function noiseFor(target: Target, releasesAt: (noise: number) => readonly Release[]): Calibration {
  const byRdp = logNoiseByRdp(target, releasesAt);
  if (byRdp === undefined) {
    const epsilonAtMost = privacySpent(releasesAt(range.high), target.delta).epsilon;
    if (epsilonAtMost > target.epsilon) return { ok: false, most: range.high, epsilonAtMost };
  }
  const logNoise = tightened(target, releasesAt, Math.log(range.low), byRdp ?? Math.log(range.high));
  const releases = releasesAt(Math.exp(logNoise));
  return { ok: true, noise: Math.exp(logNoise), releases, spent: privacySpent(releases, target.delta) };
}

/**
 * The least noise by the fast bound alone, `privacySpentRdp`: more than `noiseFor` gives, and for whoever is judged by that
 * bound. Undefined where no noise in the range is enough.
 */
export function noiseByRdp(target: Target, releasesAt: (noise: number) => readonly Release[]): number | undefined {
  const logNoise = logNoiseByRdp(target, releasesAt);
  return logNoise === undefined ? undefined : Math.exp(logNoise);
}

function logNoiseByRdp(target: Target, releasesAt: (noise: number) => readonly Release[]): number | undefined {
  const meets = (logNoise: number): boolean =>
    privacySpentRdp(releasesAt(Math.exp(logNoise)), target.delta) <= target.epsilon;
  const high = Math.log(range.high);
  return meets(high) ? firstWhere(meets, Math.log(range.low), high, precision) : undefined;
}

/** Noise multiplier for Poisson-subsampled DP-SGD. */
export function noiseMultiplierFor(target: Target, samplingRate: number, steps: number): Calibration {
  return noiseFor(target, (noiseMultiplier) => {
    const mechanism: Mechanism = { kind: 'gaussian', noiseMultiplier, samplingRate };
    return [{ mechanism, steps }];
  });
}

/**
 * From a noise that meets the target down to the least, by the slow and tight accountant: its epsilon is close to a power
 * of the noise, so a secant in logarithms needs few evaluations; each is kept inside the bracket.
 */
function tightened(
  target: Target,
  releasesAt: (noise: number) => readonly Release[],
  floor: number,
  start: number,
): number {
  const excess = (logNoise: number): number =>
    Math.log(privacySpent(releasesAt(Math.exp(logNoise)), target.delta).epsilon / target.epsilon);
  let meets = { at: start, excess: excess(start) };
  let fails: { at: number; excess: number } | undefined;
  // With the least noise that is taken, nothing is left to save.
  if (meets.at <= floor + precision || !(meets.excess < 0)) return meets.at;
  for (let guard = 0; guard < 40; guard++) {
    const gap = fails === undefined ? Number.POSITIVE_INFINITY : meets.at - fails.at;
    if (gap <= precision || -meets.excess < precision / 4) break;
    const at = fails === undefined ? Math.max(floor, meets.at - stepDown(meets.excess)) : between(fails, meets, gap);
    const next = { at, excess: excess(at) };
    if (next.excess <= 0) meets = next;
    else fails = next;
    if (meets.at === floor) break;
  }
  return meets.at;
}

/** Epsilon falls at least about as fast as the noise grows, so this passes the target with room. */
function stepDown(excess: number): number {
  return Number.isFinite(excess) ? Math.min(0.7, Math.max(0.02, 1.5 * -excess)) : 0.7;
}

/** A little on the meeting side of the secant's root, so that the bracket closes from both ends. */
function between(fails: { at: number; excess: number }, meets: { at: number; excess: number }, gap: number): number {
  const share = fails.excess / (fails.excess - meets.excess);
  const secant = Number.isFinite(share) ? share : 0.5;
  return fails.at + gap * Math.min(0.95, Math.max(0.05, secant + 0.02));
}
