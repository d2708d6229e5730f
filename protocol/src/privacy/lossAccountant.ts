import { compose, deltaOf, epsilonOf, type Tail } from './composition.ts';
import { discretise, lossSpread } from './lossDistribution.ts';
import { type Direction, type LossPair, lossPair } from './lossPair.ts';
import { type LossSum, lossSum, tiltForDelta, tiltForEpsilon, windowOf } from './lossSum.ts';
import type { Release, ScalarMechanism } from './mechanism.ts';

/**
 * Privacy loss distributions: the tightest accounting there is, here always from above. They need a pair that is
 * hardest to tell apart, which is known for the scalar kinds only; for others the answer is undefined.
 */
const directions: readonly Direction[] = ['removed', 'added'];

/** Points of one transform: a tenth of a second each. */
const largestWindow = 1 << 19;
/** Of one distribution before it is composed. */
const largestSupport = 1 << 19;

export function lossEpsilon(releases: readonly Release[], delta: number): number | undefined {
  return worst(releases, (sum) => epsilonIn(sum, delta));
}

export function lossDelta(releases: readonly Release[], epsilon: number): number | undefined {
  return worst(releases, (sum) => deltaIn(sum, epsilon));
}

function worst(releases: readonly Release[], of: (sum: LossSum) => number | undefined): number | undefined {
  let most = 0;
  for (const direction of directions) {
    const pairs = pairsOf(releases, direction);
    const value = pairs && finest(pairs, of);
    if (value === undefined) return undefined;
    most = Math.max(most, value);
  }
  return most;
}

interface PairSteps {
  readonly pair: LossPair;
  readonly steps: number;
}

function pairsOf(releases: readonly Release[], direction: Direction): readonly PairSteps[] | undefined {
  const pairs: PairSteps[] = [];
  for (const { mechanism, steps } of merged(releases)) {
    const pair = isScalar(mechanism) ? lossPair(mechanism, direction) : undefined;
    if (pair === undefined) return undefined;
    pairs.push({ pair, steps });
  }
  return pairs;
}

/** Like releases are one part with more steps: a lifetime's ledger has many of the same. */
function merged(releases: readonly Release[]): readonly Release[] {
  const byKey = new Map<string, Release>();
  for (const { mechanism, steps } of releases) {
    const key = JSON.stringify(Object.entries(mechanism).sort());
    byKey.set(key, { mechanism, steps: steps + (byKey.get(key)?.steps ?? 0) });
  }
  return [...byKey.values()];
}

function isScalar(mechanism: Release['mechanism']): mechanism is ScalarMechanism {
  return mechanism.kind !== 'skellamVector' && mechanism.kind !== 'discreteGaussianVector';
}

/**
 * A chord between grid points adds about step² / 4 to each step's variance. A twentieth of the spread keeps that below
 * one part in a thousand; few steps can afford a finer grid. Where the sum does not fit, the grid is made coarser.
 */
function finest(pairs: readonly PairSteps[], of: (sum: LossSum) => number | undefined): number | undefined {
  const steps = pairs.reduce((sum, each) => sum + each.steps, 0);
  const variance = pairs.reduce((sum, { pair, steps: times }) => sum + times * lossSpread(pair) ** 2, 0);
  const whole = Math.sqrt(variance);
  if (whole === 0) return 0;
  const width = Math.max(...pairs.map(({ pair }) => supportOf(pair)));
  const wanted = Math.min(whole / Math.sqrt(steps) / 20, (24 * whole) / (1 << 15));
  let step = Math.max(wanted, (24 * whole) / largestWindow, width / largestSupport);
  for (let attempt = 0; attempt < 8; attempt++) {
    const sum = lossSum(
      pairs.map(({ pair, steps: times }) => ({ distribution: discretise(pair, step), steps: times })),
    );
    const value = of(sum);
    if (value !== undefined) return value;
    step *= 4;
  }
  return undefined;
}

function supportOf(pair: LossPair): number {
  if (pair.kind === 'continuous') return pair.loss(pair.high) - pair.loss(pair.low);
  return (pair.loss[pair.loss.length - 1] ?? 0) - (pair.loss[0] ?? 0);
}

/** Undefined where the window is too wide for this grid. */
function tailAt(sum: LossSum, theta: number): Tail | undefined {
  const window = windowOf(sum, theta);
  return window.high - window.low >= largestWindow ? undefined : compose(sum, window);
}

function deltaIn(sum: LossSum, epsilon: number): number | undefined {
  // Halved where the window lies above the epsilon: it must not leave out what adds to delta.
  for (let theta = tiltForEpsilon(sum, epsilon); theta > 1e-6; theta /= 2) {
    const tail = tailAt(sum, theta);
    if (tail === undefined) return undefined;
    if (tail.low * tail.step <= epsilon) return Math.min(1, deltaOf(tail, epsilon));
  }
  // The whole window without a tilt is above it.
  return 1;
}

function epsilonIn(sum: LossSum, delta: number): number | undefined {
  if (sum.infinite >= delta) return Number.POSITIVE_INFINITY;
  // Halved where the epsilon sought lies below the window.
  for (let theta = tiltForDelta(sum, delta); ; theta /= 2) {
    const tail = tailAt(sum, theta);
    if (tail === undefined) return undefined;
    const epsilon = epsilonOf(tail, delta);
    if (epsilon !== undefined) return epsilon;
  }
}
