import { latticeDeviation, latticeNoise, logMassAt, massBeyond } from './lattice.ts';
import { logMixture } from './logarithms.ts';
import type { ScalarMechanism } from './mechanism.ts';

/**
 * The two outcomes' distributions that are hardest to tell apart, as seen from one of them, P: the loss is log(P/Q).
 * `removed`: P holds the record and Q does not; `added`: the other way round (Zhu, Dong, Wang 2022, arXiv 2106.08567,
 * Theorem 11, gives both for Poisson sampling). The accountant composes each by itself and takes the worse.
 */
export type Direction = 'removed' | 'added';

/** Rising in x, with a density. */
export interface ContinuousPair {
  readonly kind: 'continuous';
  readonly density: (x: number) => number;
  readonly loss: (x: number) => number;
  /** Where the loss has this value; -Infinity where it is above it everywhere. */
  readonly placeOf: (loss: number) => number;
  readonly low: number;
  readonly high: number;
  /** Smooth enough over this width for five Gauss-Legendre points to reach machine precision. */
  readonly panel: number;
  /** Upper bound on P's mass above `high`; the mass below `low` is smaller. */
  readonly beyond: number;
}

/** Atoms in rising order of loss. */
export interface DiscretePair {
  readonly kind: 'discrete';
  readonly mass: Float64Array;
  readonly loss: Float64Array;
  /** Upper bound on P's mass that is not among the atoms. */
  readonly beyond: number;
}

export type LossPair = ContinuousPair | DiscretePair;

/** Standard deviations that are looked at: the mass beyond is below 1e-32. */
const reachInDeviations = 12;
/** Integers that are looked at; beyond it the Rényi accountant is left. */
const latticeLimit = 1 << 19;

/** Undefined where the integers to be looked at are too many. */
export function lossPair(mechanism: ScalarMechanism, direction: Direction): LossPair | undefined {
  if (mechanism.kind === 'gaussian') return gaussianPair(mechanism.noiseMultiplier, mechanism.samplingRate, direction);
  const reach = Math.ceil(14 * latticeDeviation(mechanism) + 100);
  const { shift, samplingRate } = mechanism;
  if (2 * reach + shift > latticeLimit) return undefined;
  const noise = latticeNoise(mechanism, reach + shift + 1);
  const count = 2 * reach + shift + 1;
  const mass = new Float64Array(count);
  const loss = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const x = direction === 'removed' ? i - reach : reach + shift - i;
    const without = logMassAt(noise, x);
    const l = logMixture(samplingRate, logMassAt(noise, x - shift) - without);
    mass[i] = Math.exp(direction === 'removed' ? without + l : without);
    loss[i] = direction === 'removed' ? l : -l;
  }
  return { kind: 'discrete', mass, loss, beyond: 2 * massBeyond(noise, reach) };
}

/** P = (1 - q) N(0, σ²) + q N(1, σ²) and Q = N(0, σ²), or the reverse, with x mirrored so that the loss rises. */
function gaussianPair(sigma: number, q: number, direction: Direction): ContinuousPair {
  const normal = (x: number): number => Math.exp(-((x / sigma) ** 2) / 2) / (sigma * Math.sqrt(2 * Math.PI));
  const ratio = (x: number): number => logMixture(q, (2 * x - 1) / (2 * sigma ** 2));
  const place = (l: number): number => sigma ** 2 * inverseMixture(q, l) + 0.5;
  const reach = reachInDeviations * sigma;
  // Mills' ratio: the normal tail beyond k is below its density over k.
  const beyond = Math.exp(-(reachInDeviations ** 2) / 2) / (reachInDeviations * Math.sqrt(2 * Math.PI));
  const common = { kind: 'continuous', panel: Math.min(sigma / 4, sigma ** 2 / 2), beyond } as const;
  if (direction === 'added') {
    return {
      ...common,
      density: normal,
      loss: (x) => -ratio(-x),
      placeOf: (l) => -place(-l),
      low: -reach,
      high: reach,
    };
  }
  const density = (x: number): number => (1 - q) * normal(x) + q * normal(x - 1);
  return { ...common, density, loss: ratio, placeOf: place, low: -reach, high: 1 + reach };
}

/** The x with log(1 - q + q e^x) = l; -Infinity where there is none. */
function inverseMixture(q: number, l: number): number {
  if (q === 1) return l;
  if (l <= Math.log1p(-q)) return Number.NEGATIVE_INFINITY;
  return l > 40 ? l + Math.log1p(-(1 - q) * Math.exp(-l)) - Math.log(q) : Math.log1p(Math.expm1(l) / q);
}
