/** Beside the enrolment: what the lead wants of a round (`roundFile.ts`). */
export const roundFilePath = '.argot/round.json';

/** What a round is without further wishes; docs/decisions/0006-federation.md says why these. */
export const roundDefaults = {
  /** Of AdamW; one gradient under “client” is of as many. */
  steps: 24,
  packsPerStep: 1,
  sequence: 256,
  /** Of AdamW, by the adapter's matrices. */
  learningRate: { b: 4e-3, both: 2e-3 },
  /** Of plain gradient descent: all records in one step have far less noise than shares of them in several. */
  record: { steps: 1, learningRate: 3, clip: 1e-3 },
  maxWeight: 1000,
  minimumCohort: 3,
  /** By the matrices too, so that a round stays within 0.35 of both as fp16: both have twice the values of B alone. */
  quantiser: { b: { bits: 8, laneBits: 10 }, both: { bits: 3, laneBits: 5 } },
  durationMs: 8 * 3_600_000,
  seenWithinMs: 3_600_000,
} as const;

/** The largest delta at which a policy without a word about it lets epsilon be stated. */
export const defaultDelta = 1e-5;

/** What a new file says: the defaults that there is most reason to change, and nothing that follows from others or from the team. */
export function newRoundFile(): string {
  const file = { privacy: { mechanism: 'none' }, durationMs: roundDefaults.durationMs };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}
