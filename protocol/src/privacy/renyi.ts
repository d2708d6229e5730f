import { type LatticeMechanism, type LatticeNoise, latticeDeviation, latticeNoise, logMassAt } from './lattice.ts';
import { log1pExp, logBinomials, logExcess, logExpm1, logMixture, logSumExp } from './logarithms.ts';
import type { Mechanism } from './mechanism.ts';

/** Terms of one sum, so that no mechanism that is proposed can keep a machine busy; beyond it a looser bound is used. */
const mostTerms = 1 << 17;

/** Rényi divergence of one step, in nats, at an order above 1 (Mironov 2017, arXiv 1702.07476, Definition 3). */
export type RenyiCurve = (order: number) => number;

/**
 * One step's curve for both directions, a record added or removed: the direction that is returned, the sampled release
 * against the one without the record, is the larger one (Mironov, Talwar, Zhang 2019, arXiv 1908.10530, Theorem 5; the
 * mirror image x → shift - x is the involution that the theorem asks for, on the integers as on the line).
 */
export function renyiCurve(mechanism: Mechanism): RenyiCurve {
  const q = mechanism.samplingRate;
  switch (mechanism.kind) {
    case 'gaussian':
      return (order) => gaussian(order, q, mechanism.noiseMultiplier);
    case 'discreteGaussianVector':
      return sampled(q, discreteGaussianBound(mechanism.sigma, mechanism.l2Sensitivity));
    case 'skellamVector':
      return sampled(q, skellamBound(mechanism.variance, mechanism.l1Sensitivity, mechanism.l2Sensitivity));
    case 'discreteGaussian':
    case 'skellam':
      return lattice(mechanism);
  }
}

/**
 * Whole orders: Mironov, Talwar, Zhang 2019, Section 3.3 by way of `sampled`. Between them the defining integral (their
 * equation 4) by the trapezoidal rule, whose error on the whole line is below e^-60 at this spacing.
 */
function gaussian(order: number, q: number, sigma: number): number {
  const base: RenyiCurve = (at) => at / (2 * sigma ** 2);
  if (q === 1 || Number.isInteger(order)) return sampled(q, base)(order);
  const spacing = Math.min(sigma / 6, sigma ** 2 / 4);
  const [low, high] = [-14 * sigma, order + 14 * sigma];
  const count = Math.ceil((high - low) / spacing) + 1;
  if (count > mostTerms) return sampled(q, base)(order);
  const terms = new Float64Array(count);
  const logNorm = Math.log(spacing / (sigma * Math.sqrt(2 * Math.PI)));
  for (let i = 0; i < terms.length; i++) {
    const x = low + i * spacing;
    const l = logMixture(q, (2 * x - 1) / (2 * sigma ** 2));
    terms[i] = logNorm - x ** 2 / (2 * sigma ** 2) + logExcess(order, l);
  }
  return log1pExp(logSumExp(terms)) / (order - 1);
}

/**
 * Poisson sampling at whole orders, from a curve or an upper bound of it without sampling: Zhu, Wang 2019 (ICML,
 * "Poission Subsampled Rényi Differential Privacy"), Theorem 6 in the form that is tight for such pairs. At k = 0 and 1 the factor is 1; the binomial
 * weights sum to 1, so e^x - 1 in place of e^x gives the moment less 1 without cancellation. Between whole orders the
 * cumulant (order - 1) × divergence is convex (van Erven, Harremoës 2014, arXiv 1206.2459, Corollary 2), so the chord bounds it.
 */
function sampled(q: number, base: RenyiCurve): RenyiCurve {
  if (q === 1) return base;
  const whole = (order: number): number => {
    if (order < 2) return 0;
    const binomials = logBinomials(order);
    const terms = new Float64Array(order - 1);
    for (let k = 2; k <= order; k++) {
      const weight = (binomials[k] ?? 0) + (order - k) * Math.log1p(-q) + k * Math.log(q);
      terms[k - 2] = weight + logExpm1((k - 1) * base(k));
    }
    return log1pExp(logSumExp(terms));
  };
  return (order) => {
    const below = Math.floor(order);
    const share = order - below;
    const cumulant = (1 - share) * whole(below) + (share === 0 ? 0 : share * whole(below + 1));
    return cumulant / (order - 1);
  };
}

/** Any dimension: Canonne, Kamath, Steinke 2020, Theorem 14 (concentrated privacy with ρ = Δ² / 2σ²). */
function discreteGaussianBound(sigma: number, l2: number): RenyiCurve {
  return (order) => (order * l2 ** 2) / (2 * sigma ** 2);
}

/** Any dimension, whole orders: Agarwal, Kairouz, Liu 2021, Corollary 3.6; for others the next whole order bounds it. */
function skellamBound(variance: number, l1: number, l2: number): RenyiCurve {
  return (order) => {
    const a = Math.ceil(order);
    const near = ((2 * a - 1) * l2 ** 2 + 6 * l1) / (4 * variance ** 2);
    return (a * l2 ** 2) / (2 * variance) + Math.min(near, (3 * l1) / (2 * variance));
  };
}

/** The definition, summed over the integers. */
function lattice(mechanism: LatticeMechanism): RenyiCurve {
  const { shift, samplingRate } = mechanism;
  const reachAt = (order: number): number => Math.ceil(order * shift + 15 * latticeDeviation(mechanism) + 100) + shift;
  let noise: LatticeNoise | undefined;
  const bound =
    mechanism.kind === 'skellam'
      ? sampled(samplingRate, skellamBound(mechanism.variance, shift, shift))
      : sampled(samplingRate, discreteGaussianBound(mechanism.sigma, shift));
  return (order) => {
    const reach = reachAt(order);
    if (2 * reach > mostTerms) return bound(order);
    if (noise === undefined || noise.logMass.length <= reach) noise = latticeNoise(mechanism, 2 * reach);
    const terms = new Float64Array(2 * reach - shift + 1);
    for (let i = 0; i < terms.length; i++) {
      const x = shift - reach + i;
      const without = logMassAt(noise, x);
      const l = logMixture(samplingRate, logMassAt(noise, x - shift) - without);
      terms[i] = without + logExcess(order, l);
    }
    return log1pExp(logSumExp(terms)) / (order - 1);
  };
}
