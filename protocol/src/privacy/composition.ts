import { type ComplexVector, complexVector, forwardTransform, inverseTransform } from './fft.ts';
import { type LossPart, type LossSum, partMoment, type Window } from './lossSum.ts';

/**
 * The composed loss in a window, as what it adds to delta. Koskela, Jälkö, Honkela 2020 (arXiv 1906.03049) compose by
 * FFT; tilting the masses first (as in saddle-point methods: Alghamdi et al. 2022, arXiv 2208.09595) brings the part of
 * the tail that decides delta to the middle, where the FFT's rounding is small against it however small delta is.
 */
export interface Tail {
  readonly step: number;
  readonly low: number;
  /** At grid index `low + i`: the composed mass, never less than the truth but for `rounding`. */
  readonly mass: Float64Array;
  /** What is taken as an infinite loss. */
  readonly infinite: number;
  /** Upper bound on the error of `delta` that the transforms' rounding can make. */
  readonly rounding: (from: number) => number;
}

/** 2^-53: the relative error of one operation. */
const unitRoundoff = 2 ** -53;

export function compose(sum: LossSum, window: Window): Tail {
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, window.high - window.low + 1)));
  const log = complexVector(size);
  let norms = 1;
  for (const part of sum.parts) norms += part.steps * addLogTransform(log, part, sum.step, window.theta);
  for (let k = 0; k < size; k++) {
    const radius = Math.exp(log.re[k] ?? 0);
    const angle = log.im[k] ?? 0;
    log.re[k] = radius * Math.cos(angle);
    log.im[k] = radius * Math.sin(angle);
  }
  inverseTransform(log);

  const mass = new Float64Array(size);
  const weight = (i: number): number => Math.exp(window.logMoment - window.theta * (window.low + i) * sum.step);
  for (let i = 0; i < size; i++) mass[i] = Math.max(0, log.re[modulo(window.low + i, size)] ?? 0) * weight(i);
  // Each transform errs by at most this in the 2-norm (Higham 2002, Theorem 24.2, with room); powers multiply it by the
  // steps, since no coefficient of a distribution's transform is above 1. Cauchy-Schwarz takes it to the sum of a tail.
  const error = 8 * Math.log2(size) * unitRoundoff * norms;
  const decay = 1 - Math.exp(-2 * window.theta * sum.step);
  const rounding = (from: number): number => error * weight(from - window.low) * Math.sqrt(Math.min(size, 1 / decay));
  return { step: sum.step, low: window.low, mass, infinite: sum.infinite + window.above, rounding };
}

/** delta at an epsilon that is not below the window: E[(1 - e^(epsilon - loss))+] (Sommer, Meiser, Mohammadi 2019, Lemma 10). */
export function deltaOf(tail: Tail, epsilon: number): number {
  const first = Math.max(tail.low, Math.floor(epsilon / tail.step) + 1);
  let delta = tail.infinite + tail.rounding(first);
  for (let i = first - tail.low; i < tail.mass.length; i++) {
    const mass = tail.mass[i] ?? 0;
    if (mass > 0) delta -= mass * Math.expm1(epsilon - (tail.low + i) * tail.step);
  }
  return delta;
}

/** The least epsilon ≥ 0 for a delta; undefined where it lies below the window. Infinite where no epsilon will do. */
export function epsilonOf(tail: Tail, delta: number): number | undefined {
  const { step, low, mass, infinite, rounding } = tail;
  // Down the grid, at `low + i`: E[(1 - e^(epsilon - loss))+] and E[e^(epsilon - loss); loss > epsilon]. All terms are positive.
  let [finite, discounted] = [0, 0];
  const above = (i: number): number => infinite + rounding(low + i) + finite;
  if (above(mass.length - 1) > delta) return Number.POSITIVE_INFINITY;
  for (let i = mass.length - 2; i >= 0; i--) {
    const joining = (mass[i + 1] ?? 0) + discounted;
    finite -= Math.expm1(-step) * joining;
    discounted = Math.exp(-step) * joining;
    const excess = above(i) - delta;
    if (excess > 0) return Math.max(0, (low + i) * step + Math.log1p(excess / discounted));
    if ((low + i) * step <= 0) return 0;
  }
  return undefined;
}

/** Adds `steps` times the log of the tilted part's transform; returns the 2-norm of its masses. */
function addLogTransform(log: ComplexVector, part: LossPart, step: number, theta: number): number {
  const size = log.re.length;
  const own = complexVector(size);
  const moment = partMoment(part, step, theta);
  for (let i = 0; i < part.logMass.length; i++) {
    const index = part.lowest + i;
    const at = modulo(index, size);
    own.re[at] = (own.re[at] ?? 0) + Math.exp((part.logMass[i] ?? 0) + theta * index * step - moment);
  }
  const norm = Math.sqrt(own.re.reduce((squares, mass) => squares + mass * mass, 0));
  forwardTransform(own);
  for (let k = 0; k < size; k++) {
    const re = own.re[k] ?? 0;
    const im = own.im[k] ?? 0;
    log.re[k] = (log.re[k] ?? 0) + (part.steps / 2) * Math.log(re * re + im * im);
    log.im[k] = (log.im[k] ?? 0) + part.steps * Math.atan2(im, re);
  }
  return norm;
}

function modulo(index: number, size: number): number {
  return ((index % size) + size) % size;
}
