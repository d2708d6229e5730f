import { z } from 'zod';
import type { Example, ExampleKind } from './example.ts';

/** How a personal adapter is trained. The defaults were tuned by `npm run bench -- personalisation` on `valid` splits. */
export const trainingOptionsSchema = z.object({
  /** Examples without which nothing is trained, held-out ones included. */
  leastExamples: z.number().int().default(12),
  /** Newest first; what is older than the budget is left to the versions before. */
  mostTokens: z.number().int().default(40_000),
  /** Tokens of a window. */
  sequence: z.number().int().default(256),
  rank: z.number().int().default(8),
  learningRate: z.number().default(1e-3),
  /** Of generic code, on which forgetting is measured; tests take less. */
  probeTokens: z.number().int().default(10_000),
  threads: z.number().int().default(1),
  /** `cpu`, `gpu` or a device's name. Nothing has yet run on a GPU's hardware, so no setting offers one. */
  device: z.string().default('cpu'),
  /** Gives way to everything else on the machine; a busy machine may starve it. */
  lowPriority: z.boolean().default(true),
  checkpointEverySteps: z.number().int().default(10),
  /** New examples that make a run by itself worth while. */
  enoughNew: z.number().int().default(40),
  /** Nobody has typed for so long before a run starts by itself. */
  idleMs: z.number().default(120_000),
  /** Between two runs that start by themselves. */
  restMs: z.number().default(3_600_000),
  /** How often it is asked whether a run should start. */
  tickMs: z.number().default(60_000),
  /** Training pauses while the developer types, and goes on after this. */
  pauseMs: z.number().default(3_000),
  /** Adapters are exchanged after so long without a keystroke. */
  swapPauseMs: z.number().default(1_500),
});
export type TrainingOptions = z.infer<typeof trainingOptionsSchema>;

/** What a run works on; written down before it begins, so that the next process goes on with the same. */
export const trainingPlanSchema = z.object({
  format: z.literal(1),
  baseSha256: z.string(),
  /** The team's adapter under which it is trained, and its scale. */
  frozen: z.array(z.object({ id: z.string(), path: z.string(), scale: z.number() })),
  trainIds: z.array(z.string()),
  heldOutIds: z.array(z.string()),
  counts: z.record(z.string(), z.number()),
  epochs: z.number().int(),
  tokens: z.number().int(),
  startedAtMs: z.number(),
});
export type TrainingPlan = z.infer<typeof trainingPlanSchema>;

/** Two epochs of little, one of much: some forty steps learn what a few files have to teach, and more learn them by heart. */
export function epochsFor(tokens: number): number {
  return tokens < 4_000 ? 2 : 1;
}

export function countByKind(examples: readonly Example[]): Record<string, number> {
  const counts: Partial<Record<ExampleKind, number>> = {};
  for (const { kind } of examples) counts[kind] = (counts[kind] ?? 0) + 1;
  return { ...counts };
}
