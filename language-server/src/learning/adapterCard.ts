import { z } from 'zod';
import { trainerTargets } from './trainerMessages.ts';

/** The two places in which an adapter may work: what a team learnt together, and what this developer taught. */
export const adapterKinds = ['team', 'personal'] as const;
export const adapterKindSchema = z.enum(adapterKinds);
export type AdapterKind = z.infer<typeof adapterKindSchema>;

/**
 * What the gate found. Losses are nats a token on the examples held out by time; `current` is what was active then.
 * `gain` is the share of the current loss (of the loss without what the candidate would replace, where that is less) that the candidate saves, `gainLow` the lower end of its 95 % interval by a
 * paired bootstrap. `forgetting` is the share by which the loss on generic code grew against the base model.
 */
export const gateReportSchema = z.object({
  verdict: z.enum(['better', 'notBetter', 'forgets', 'tooFew']),
  decidedAtMs: z.number(),
  heldOutExamples: z.number().int(),
  heldOutTokens: z.number().int(),
  probeTokens: z.number().int(),
  baseLoss: z.number(),
  currentLoss: z.number(),
  candidateLoss: z.number(),
  gain: z.number(),
  gainLow: z.number(),
  forgetting: z.number(),
  /** Chosen on held-out examples; 0 where the adapter hurts. */
  scales: z.object({ team: z.number(), personal: z.number() }),
});
export type GateReport = z.infer<typeof gateReportSchema>;

export const privacySpendSchema = z.object({
  mechanism: z.enum(['recordLevel', 'clientLevel']),
  epsilon: z.number(),
  delta: z.number(),
});

/** Everything that is known of an adapter; stored beside its file. */
export const adapterCardSchema = z.object({
  format: z.literal(1),
  id: z.string().regex(/^[\w-]{1,80}$/),
  kind: adapterKindSchema,
  origin: z.enum(['trained', 'round', 'imported']),
  createdAtMs: z.number(),
  /** Of the adapter's file. */
  sha256: z.string(),
  sizeBytes: z.number().int(),
  /** The model that it adapts; with another it is nonsense. */
  base: z.object({ sha256: z.string(), name: z.string() }),
  rank: z.number().int(),
  targets: z.array(z.enum(trainerTargets)),
  /** Ids of the versions that it went on from, or was trained on top of. */
  parents: z.array(z.string()),
  /** Ids of this machine's examples that it learnt from; none for what others made. */
  exampleIds: z.array(z.string()),
  /** Examples by kind, tokens, steps and the like, for people. */
  counts: z.record(z.string(), z.number()),
  gate: gateReportSchema.optional(),
  privacy: privacySpendSchema.optional(),
});
export type AdapterCard = z.infer<typeof adapterCardSchema>;

/** What the maker of an adapter says; the rest of the card is read from its file. */
export type AdapterDraft = Pick<AdapterCard, 'kind' | 'origin' | 'base' | 'parents' | 'exampleIds' | 'counts'> &
  Partial<Pick<AdapterCard, 'gate' | 'privacy'>>;
