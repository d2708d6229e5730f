import { seededRandom } from './seededRandom.ts';

/** The losses of one example before and after a change, summed over its tokens, in nats. */
export interface LossPair {
  readonly before: number;
  readonly after: number;
}

export interface BootstrapResult {
  /** Share of the loss that the change saves: 1 − Σ after / Σ before. */
  readonly gain: number;
  /** Ends of the interval that holds the gain with the wanted confidence (percentiles). */
  readonly low: number;
  readonly high: number;
  /** One-sided: how often a resample shows no gain, never below 1 / (resamples + 1). */
  readonly pValue: number;
}

export interface BootstrapOptions {
  readonly resamples?: number;
  readonly confidence?: number;
  readonly seed?: number;
}

/**
 * Paired bootstrap over examples (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13): whole examples are
 * drawn with replacement, since tokens of one example depend on each other. The same pairs give the same result.
 */
export function pairedBootstrap(pairs: readonly LossPair[], options: BootstrapOptions = {}): BootstrapResult {
  const { resamples = 2000, confidence = 0.95, seed = 1 } = options;
  const gain = gainOf(pairs);
  if (pairs.length === 0) return { gain: 0, low: 0, high: 0, pValue: 1 };
  const random = seededRandom(seed);
  const gains = Array.from({ length: resamples }, () => {
    let before = 0;
    let after = 0;
    for (let i = 0; i < pairs.length; i++) {
      const pair = pairs[Math.floor(random() * pairs.length)];
      before += pair?.before ?? 0;
      after += pair?.after ?? 0;
    }
    return before === 0 ? 0 : 1 - after / before;
  }).sort((a, b) => a - b);
  const tail = (1 - confidence) / 2;
  const at = (share: number) => gains[Math.min(resamples - 1, Math.floor(share * resamples))] ?? gain;
  const without = gains.filter((each) => each <= 0).length;
  return { gain, low: at(tail), high: at(1 - tail), pValue: (without + 1) / (resamples + 1) };
}

function gainOf(pairs: readonly LossPair[]): number {
  const before = pairs.reduce((sum, pair) => sum + pair.before, 0);
  return before === 0 ? 0 : 1 - pairs.reduce((sum, pair) => sum + pair.after, 0) / before;
}
