import type { ScalarMechanism } from './mechanism.ts';

export type LatticeMechanism = Extract<ScalarMechanism, { kind: 'discreteGaussian' | 'skellam' }>;

/** Noise on the integers, symmetric about 0 and log-concave: log masses of 0, 1, 2, … */
export interface LatticeNoise {
  readonly logMass: Float64Array;
}

/** Of the noise, not of the sensitivity. */
export function latticeDeviation(mechanism: LatticeMechanism): number {
  return mechanism.kind === 'skellam' ? Math.sqrt(mechanism.variance) : mechanism.sigma;
}

/**
 * The noise at 0 … reach. Discrete Gaussian: Canonne, Kamath, Steinke 2020 (arXiv 2004.00010), Definition 1. Skellam:
 * mass e^-v I_n(v) at n with variance v (Agarwal, Kairouz, Liu 2021, arXiv 2110.04995, Section 2).
 */
export function latticeNoise(mechanism: LatticeMechanism, reach: number): LatticeNoise {
  // Far enough that what is left out of the normalisation is below 1e-40.
  const points = Math.ceil(Math.max(reach, 15 * latticeDeviation(mechanism) + 100));
  const logs =
    mechanism.kind === 'skellam'
      ? relativeSkellam(mechanism.variance, points)
      : Float64Array.from({ length: points + 1 }, (_, n) => -(n * n) / (2 * mechanism.sigma ** 2));
  let total = 0;
  for (let n = points; n >= 1; n--) total += 2 * Math.exp(logs[n] ?? Number.NEGATIVE_INFINITY);
  const logTotal = Math.log1p(total);
  return { logMass: logs.map((log) => log - logTotal) };
}

export function logMassAt(noise: LatticeNoise, x: number): number {
  const log = noise.logMass[Math.abs(x)];
  if (log === undefined) throw new RangeError(`The noise is tabulated to ${noise.logMass.length - 1}, not to ${x}.`);
  return log;
}

/** An upper bound on the mass above x ≥ 0: log-concave masses fall at least geometrically. */
export function massBeyond(noise: LatticeNoise, x: number): number {
  const ratio = Math.exp(logMassAt(noise, x + 1) - logMassAt(noise, x));
  return Math.exp(logMassAt(noise, x + 1)) / (1 - ratio);
}

/**
 * log(I_n(v) / I_0(v)). The ratios I_{n+1} / I_n = 1 / (2(n+1)/v + I_{n+2} / I_{n+1}) are run downwards, where the
 * recurrence of the modified Bessel functions is stable (Olver et al., DLMF 10.29.1 and 10.74.iv).
 */
function relativeSkellam(v: number, points: number): Float64Array {
  const ratios = new Float64Array(points);
  let ratio = 0;
  // The error of starting from 0 shrinks by ratio² a step; near the start the ratios are below v / 2n.
  for (let n = points + Math.ceil(4 * Math.sqrt(v)) + 60; n >= 0; n--) {
    ratio = 1 / ((2 * (n + 1)) / v + ratio);
    if (n < points) ratios[n] = ratio;
  }
  const logs = new Float64Array(points + 1);
  for (let n = 0; n < points; n++) logs[n + 1] = (logs[n] ?? 0) + Math.log(ratios[n] ?? 0);
  return logs;
}
