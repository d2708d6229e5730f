import { z } from 'zod';
import { fromHex } from './bytes.ts';
import { type RoundSettings, roundSettingsSchema } from './messages.ts';
import { roundDefaults } from './roundDefaults.ts';

const hexHash = z.string().regex(/^[0-9a-f]{64}$/);

/** A round's settings as a person writes them: JSON, hashes in hexadecimal digits. */
export const roundSettingsFileSchema = roundSettingsSchema.extend({
  base: hexHash,
  basis: hexHash.nullable().default(null),
});
export type RoundSettingsFile = z.infer<typeof roundSettingsFileSchema>;

export function settingsFromFile(file: RoundSettingsFile): RoundSettings {
  return { ...file, base: fromHex(file.base), basis: file.basis === null ? null : fromHex(file.basis) };
}

/** What an update is, and for which model. */
export interface UpdateShape {
  readonly base: string;
  readonly adapter: RoundSettings['adapter'];
  /** Coordinates of an update. */
  readonly length: number;
}

/** How a member trains where there is no privacy. */
export function defaultTraining({ matrices }: RoundSettings['adapter']): RoundSettings['training'] {
  const { steps, packsPerStep, sequence, learningRate } = roundDefaults;
  return { steps, packsPerStep, sequence, learningRate: learningRate[matrices] };
}

/**
 * Settings that a lead can begin with. AdamW moves a coordinate by at most the learning rate a step, so that their product
 * bounds it and nothing is clamped.
 */
export function defaultRoundSettings(
  { base, adapter, length }: UpdateShape,
  training = defaultTraining(adapter),
): RoundSettingsFile {
  const { maxWeight, minimumCohort, durationMs, seenWithinMs } = roundDefaults;
  const quantiser = roundDefaults.quantiser[adapter.matrices];
  const range = training.steps * training.learningRate;
  return {
    base,
    adapter,
    training,
    clipNorm: range * Math.sqrt(length),
    maxWeight,
    minimumCohort,
    privacy: { mechanism: 'none' },
    basis: null,
    quantiser: { ...quantiser, segments: [{ length, range }] },
    durationMs,
    seenWithinMs,
  };
}
