import { z } from 'zod';
import { type RoundSettings, roundSettingsSchema } from './messages.ts';
import { roundDefaults } from './roundDefaults.ts';

/** A round's settings as a person writes them: JSON, the base model's hash in hexadecimal digits. */
export const roundSettingsFileSchema = roundSettingsSchema.extend({ base: z.string().regex(/^[0-9a-f]{64}$/) });
export type RoundSettingsFile = z.infer<typeof roundSettingsFileSchema>;

export function settingsFromFile(file: RoundSettingsFile): RoundSettings {
  return { ...file, base: new Uint8Array(Buffer.from(file.base, 'hex')) };
}

/** What an update is, and for which model. */
export interface UpdateShape {
  readonly base: string;
  readonly adapter: RoundSettings['adapter'];
  /** Coordinates of an update. */
  readonly length: number;
}

/**
 * Settings that a lead can begin with. AdamW moves a coordinate by at most the learning rate a step, so that their product
 * bounds it and nothing is clamped.
 */
export function defaultRoundSettings(
  { base, adapter, length }: UpdateShape,
  training: RoundSettings['training'] = roundDefaults.training,
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
    quantiser: { ...quantiser, segments: [{ length, range }] },
    durationMs,
    seenWithinMs,
  };
}
