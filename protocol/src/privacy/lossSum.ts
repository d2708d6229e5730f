import type { LossDistribution } from './lossDistribution.ts';
import { minimise } from './search.ts';

/** Distributions on one grid, each taken `steps` times; their sum is the loss of the whole composition. */
export interface LossSum {
  readonly step: number;
  readonly parts: readonly LossPart[];
  /** Upper bound on the mass at infinity. */
  readonly infinite: number;
  /** The same on a coarser grid: near enough to search for a tilt. */
  readonly sketch: Omit<LossSum, 'sketch' | 'infinite'>;
}

export interface LossPart {
  readonly steps: number;
  readonly lowest: number;
  readonly logMass: Float64Array;
}

export function lossSum(
  parts: readonly { readonly distribution: LossDistribution; readonly steps: number }[],
): LossSum {
  const step = parts[0]?.distribution.step ?? 1;
  if (parts.some(({ distribution }) => distribution.step !== step)) throw new RangeError('The grids differ.');
  const merged = parts.every(({ distribution }) => distribution.mass.length > 2048) ? 8 : 1;
  const onGrid = (group: number): LossPart[] =>
    parts.map(({ distribution: { lowest, mass }, steps }) => {
      const first = Math.floor(lowest / group);
      const sums = new Float64Array(Math.floor((lowest + mass.length - 1) / group) - first + 2);
      for (let i = 0; i < mass.length; i++) {
        const at = Math.floor((lowest + i) / group);
        // Between two neighbours so that the mean stays: many steps would multiply a shift.
        const upper = (mass[i] ?? 0) * ((lowest + i) / group - at);
        sums[at - first] = (sums[at - first] ?? 0) + (mass[i] ?? 0) - upper;
        sums[at - first + 1] = (sums[at - first + 1] ?? 0) + upper;
      }
      return { steps, lowest: first, logMass: sums.map((sum) => Math.log(sum)) };
    });
  return {
    step,
    parts: onGrid(1),
    sketch: { step: step * merged, parts: onGrid(merged) },
    infinite: parts.reduce((sum, { distribution, steps }) => sum + steps * distribution.infinite, 0),
  };
}

/** The log moment-generating function of the finite part, K(θ) = log E[e^(θ loss)]. */
export function logMoment({ parts, step }: Pick<LossSum, 'parts' | 'step'>, theta: number): number {
  return parts.reduce((sum, part) => sum + part.steps * partMoment(part, step, theta), 0);
}

/** One part's own, for one step. */
export function partMoment({ lowest, logMass }: LossPart, step: number, theta: number): number {
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logMass.length; i++) high = Math.max(high, (logMass[i] ?? high) + theta * (lowest + i) * step);
  let sum = 0;
  for (let i = 0; i < logMass.length; i++) {
    const log = (logMass[i] ?? Number.NEGATIVE_INFINITY) + theta * (lowest + i) * step - high;
    if (log > -50) sum += Math.exp(log);
  }
  return high + Math.log(sum);
}

/** log P(tilted loss outside) that a window leaves out at each end. */
const logOutside = -36;
const [thetaLow, thetaHigh] = [Math.log(1e-4), Math.log(1e5)];
/**
 * Where the losses are bounded and delta is less than the mass at their end, the bound falls for ever as θ rises; beyond
 * four over the step a single step of the grid decides, and the transforms' rounding with it.
 */
const steepest = ({ step }: LossSum): number => Math.min(thetaHigh, Math.log(4 / step));

/** Chernoff's bound: the θ for which e^(K(θ) - θ epsilon) is least. (K(θ) - log delta) / θ is quasi-convex, as K is convex. */
export function tiltForDelta(sum: LossSum, delta: number): number {
  const bound = (t: number): number => (logMoment(sum.sketch, Math.exp(t)) - Math.log(delta)) / Math.exp(t);
  return Math.exp(minimise(bound, thetaLow, steepest(sum), 0.02).x);
}

export function tiltForEpsilon(sum: LossSum, epsilon: number): number {
  const bound = (t: number): number => logMoment(sum.sketch, Math.exp(t)) - Math.exp(t) * epsilon;
  return Math.exp(minimise(bound, thetaLow, thetaHigh, 0.02).x);
}

export interface Window {
  readonly theta: number;
  /** K(θ). */
  readonly logMoment: number;
  /** Grid indices, both included. */
  readonly low: number;
  readonly high: number;
  /** Upper bound on the mass of the (untilted) loss above `high`. */
  readonly above: number;
}

/**
 * Where the sum of the tilted losses, with mass × e^(θ loss - K(θ)), lies but for e^-36 at each end, by Chernoff's bound
 * at two further tilts.
 */
export function windowOf(sum: LossSum, theta: number): Window {
  const at = logMoment(sum, theta);
  const sketched = logMoment(sum.sketch, theta);
  // Chernoff's bound holds at any tilt, so the sketch may choose it; the bound itself is then taken exactly.
  const reach = (sign: 1 | -1): number => {
    const sketch = (t: number): number =>
      (logMoment(sum.sketch, theta + sign * Math.exp(t)) - sketched - logOutside) / Math.exp(t);
    const further = Math.exp(minimise(sketch, thetaLow, thetaHigh, 0.05).x);
    return (logMoment(sum, theta + sign * further) - at - logOutside) / further;
  };
  const high = Math.ceil(reach(1) / sum.step);
  return {
    theta,
    logMoment: at,
    low: Math.floor(-reach(-1) / sum.step),
    high,
    above: Math.exp(at - theta * high * sum.step + logOutside),
  };
}
