/** Beside the enrolment: what the lead wants of a round (`roundFile.ts`). */
export const roundFilePath = '.argot/round.json';

/** What a round is without further wishes; `roundSettings.ts` says why these. */
export const roundDefaults = {
  training: { steps: 24, packsPerStep: 1, sequence: 256, learningRate: 1e-3 },
  maxWeight: 1000,
  minimumCohort: 3,
  /** By the adapter's matrices, so that a round stays within 0.35 of both as fp16: both have twice the values of B alone. */
  quantiser: { b: { bits: 8, laneBits: 10 }, both: { bits: 3, laneBits: 5 } },
  durationMs: 8 * 3_600_000,
  seenWithinMs: 3_600_000,
} as const;

/** The largest delta at which a policy without a word about it lets epsilon be stated. */
export const defaultDelta = 1e-5;

/** What a new file says: the defaults that there is most reason to change, and nothing that follows from the team. */
export function newRoundFile(): string {
  const { steps, learningRate } = roundDefaults.training;
  const file = {
    training: { steps, learningRate },
    privacy: { mechanism: 'none' },
    durationMs: roundDefaults.durationMs,
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}
