import { featureNames } from './askFeatures.ts';

/** A logistic regression: whether chunks of the repository will make the next line likelier. */
export interface AskModel {
  /** One for each feature, and the constant last. */
  readonly weights: readonly number[];
  /** A prompt that is waited for has chunks from this probability on: they take time to evaluate. */
  readonly threshold: number;
  /** One that is made ready in a pause costs the developer nothing. */
  readonly pauseThreshold: number;
}

export function probability({ weights }: Pick<AskModel, 'weights'>, features: readonly number[]): number {
  let sum = weights.at(-1) ?? 0;
  for (const [i, feature] of features.entries()) sum += feature * (weights[i] ?? 0);
  return 1 / (1 + Math.exp(-sum));
}

export interface AskSample {
  readonly features: readonly number[];
  /** Bits that the chunks saved; negative where they did harm. */
  readonly gain: number;
}

/**
 * Weights that tell gains from losses, each sample counting by how much was gained or lost (cost-sensitive logistic
 * regression), with a quadratic penalty; by gradient descent, since there are a dozen of them.
 */
export function fitWeights(samples: readonly AskSample[], penalty = 0.002, rounds = 4000, rate = 0.5): number[] {
  const weights: number[] = new Array(featureNames.length + 1).fill(0);
  const total = samples.reduce((sum, { gain }) => sum + Math.min(Math.abs(gain), mostGain), 0);
  for (let round = 0; round < rounds; round++) {
    const gradient: number[] = weights.map((weight, i) => (i < featureNames.length ? penalty * weight : 0));
    for (const { features, gain } of samples) {
      const error = probability({ weights }, features) - (gain > 0 ? 1 : 0);
      const scaled = (error * Math.min(Math.abs(gain), mostGain)) / total;
      for (const [i, feature] of features.entries()) gradient[i] = (gradient[i] ?? 0) + scaled * feature;
      gradient[featureNames.length] = (gradient[featureNames.length] ?? 0) + scaled;
    }
    for (const [i, slope] of gradient.entries()) {
      const next = (weights[i] ?? 0) - rate * slope;
      // Each feature is made to speak for asking: that one speaks against it would be chance.
      weights[i] = i < featureNames.length ? Math.max(0, next) : next;
    }
  }
  return weights;
}

/** The probability that this share of the samples reaches. */
export function thresholdFor(weights: readonly number[], samples: readonly AskSample[], askedShare: number): number {
  const sorted = samples.map(({ features }) => probability({ weights }, features)).toSorted((a, b) => b - a);
  return sorted[Math.floor(sorted.length * askedShare)] ?? 0.5;
}

/** One long line must not outweigh a hundred others, in bits. */
const mostGain = 20;
