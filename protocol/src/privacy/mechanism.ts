import { z } from 'zod';

/**
 * What was released, as the accountant sees it. Neighbouring data differ by one record (record-level privacy) or by one
 * member (client-level privacy) that is added or removed; each takes part in a step independently with `samplingRate`
 * (Poisson sampling; 1 means always). A fixed-size batch drawn by shuffling is not Poisson sampling.
 *
 * Sensitivities are the most that one record or member can change the released sum: an integer shift of one coordinate
 * for the scalar kinds, norms over all coordinates for the vector kinds.
 */
const samplingRate = z.number().gt(0).lte(1);
const scale = z.number().gte(1e-3).lte(1e9);
const shift = z.int().gte(1).lte(1_000_000);

export const mechanismSchema = z.discriminatedUnion('kind', [
  /** Gaussian noise of any dimension; `noiseMultiplier` is its standard deviation over the L2 clip norm. */
  z.strictObject({ kind: z.literal('gaussian'), noiseMultiplier: scale, samplingRate }),
  /** One integer plus discrete Gaussian noise of parameter `sigma`. */
  z.strictObject({ kind: z.literal('discreteGaussian'), sigma: scale, shift, samplingRate }),
  /** A vector of integers, each plus its own discrete Gaussian noise. */
  z.strictObject({ kind: z.literal('discreteGaussianVector'), sigma: scale, l2Sensitivity: scale, samplingRate }),
  /** One integer plus the difference of two Poisson variables of mean `variance` / 2. */
  z.strictObject({ kind: z.literal('skellam'), variance: scale, shift, samplingRate }),
  /** A vector of integers, each plus its own Skellam noise; the sum over members in the ring has this variance. */
  z.strictObject({
    kind: z.literal('skellamVector'),
    variance: z.number().gte(1e-3).lte(1e18),
    l1Sensitivity: z.number().gte(1e-3).lte(1e18),
    l2Sensitivity: scale,
    samplingRate,
  }),
]);
export type Mechanism = z.infer<typeof mechanismSchema>;
export type ScalarMechanism = Extract<Mechanism, { kind: 'gaussian' | 'discreteGaussian' | 'skellam' }>;

/** The same mechanism run `steps` times, each on the outcome of those before it (adaptive composition). */
export const releaseSchema = z.strictObject({ mechanism: mechanismSchema, steps: z.int().gte(1).lte(100_000_000) });
export type Release = z.infer<typeof releaseSchema>;
