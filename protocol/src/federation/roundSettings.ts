import { z } from 'zod';
import { type RoundSettings, roundSettingsSchema } from './messages.ts';

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
 * bounds it and nothing is clamped; ten bits on the wire keep a round of B alone within 0.35 of both matrices as fp16.
 */
export function defaultRoundSettings({ base, adapter, length }: UpdateShape): RoundSettingsFile {
  const training = { steps: 24, packsPerStep: 1, sequence: 256, learningRate: 1e-3 };
  const range = training.steps * training.learningRate;
  return {
    base,
    adapter,
    training,
    clipNorm: range * Math.sqrt(length),
    maxWeight: 1000,
    minimumCohort: 3,
    privacy: { mechanism: 'none' },
    quantiser: { bits: 8, laneBits: 10, segments: [{ length, range }] },
    durationMs: 8 * 3_600_000,
    seenWithinMs: 3_600_000,
  };
}
