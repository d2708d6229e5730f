import { z } from 'zod';

/** Every message of argot-trainer (native/README.md): requests, events while it works, results and errors. */

export const trainerTargets = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;

/** Which matrices are adapted, and how finely; `alpha / rank` scales the product. */
export const adapterShapeSchema = z.object({
  rank: z.number().int().min(1).max(512),
  alpha: z.number().positive(),
  targets: z.array(z.enum(trainerTargets)).min(1).optional(),
});

export const adapterUseSchema = z.object({ path: z.string().min(1), scale: z.number() });
export type AdapterUse = z.infer<typeof adapterUseSchema>;

const common = {
  model: z.string().min(1),
  /** Written into the card, and compared with the card of every adapter that is read. */
  modelSha256: z.string().optional(),
  threads: z.number().int().min(1).max(256).optional(),
  precision: z.enum(['auto', 'float32', 'bfloat16']).optional(),
  kernels: z.enum(['auto', 'portable', 'sse', 'neon', 'avx2', 'avx512']).optional(),
  /**
   * Where the products with the model's weights are computed: `cpu` (by the trainer's own kernels), `gpu` (the first that
   * ggml finds), or a device by the name that `info` lists.
   */
  device: z.string().min(1).optional(),
  lowPriority: z.boolean().optional(),
  /** At most this share of the time is worked, between layers. */
  cpuShare: z.number().min(0.01).max(1).optional(),
};

export const infoRequestSchema = z.object({
  ...common,
  devices: z.boolean().optional(),
  adapter: adapterShapeSchema.optional(),
  sequence: z.number().int().optional(),
});

export const evaluateRequestSchema = z.object({
  ...common,
  data: z.string().min(1),
  sequence: z.number().int().optional(),
  /** Each entry is a stack of adapters applied together; an empty one is the base model. */
  stacks: z.array(z.array(adapterUseSchema)).optional(),
});

export const privacyRequestSchema = z.object({
  clip: z.number().positive(),
  noiseMultiplier: z.number().min(0),
  expectedBatch: z.number().positive(),
  /** Tests only: whoever knows it can take the noise off again. */
  testSeed: z.number().int().optional(),
});

export const trainRequestSchema = z.object({
  ...common,
  data: z.string().min(1),
  validation: z.string().optional(),
  output: z.string().optional(),
  /** Raw float32 of what was learnt, for federation. */
  delta: z.string().optional(),
  adapter: adapterShapeSchema.optional(),
  /** An adapter to go on from; its shape counts then. */
  start: z.string().optional(),
  mode: z.enum(['both', 'b', 'a']).optional(),
  frozen: z.array(adapterUseSchema).optional(),
  parents: z.array(z.string()).optional(),
  seed: z.number().int().min(0).optional(),
  /** Of the examples' order; `seed` where it is left out. */
  orderSeed: z.number().int().min(0).optional(),
  sequence: z.number().int().optional(),
  packsPerStep: z.number().int().optional(),
  steps: z.number().int().optional(),
  epochs: z.number().int().optional(),
  /** `adamw` by default; `sgd` is plain: no momentum, no decay. */
  optimiser: z.enum(['adamw', 'sgd']).optional(),
  learningRate: z.number().optional(),
  weightDecay: z.number().optional(),
  beta1: z.number().optional(),
  beta2: z.number().optional(),
  clip: z.number().optional(),
  warmupSteps: z.number().int().optional(),
  schedule: z.enum(['constant', 'cosine']).optional(),
  dropout: z.number().optional(),
  evaluateEverySteps: z.number().int().optional(),
  patience: z.number().int().optional(),
  checkpoint: z.string().optional(),
  checkpointEverySteps: z.number().int().optional(),
  resume: z.boolean().optional(),
  reportNorms: z.boolean().optional(),
  secondsLimit: z.number().optional(),
  memoryMiB: z.number().int().optional(),
  activationCheckpointing: z.enum(['auto', 'on', 'off']).optional(),
  privacy: privacyRequestSchema.optional(),
  card: z.record(z.string(), z.unknown()).optional(),
});

/** For tests: are the gradients right? */
export const gradcheckRequestSchema = z.object({
  ...common,
  adapter: adapterShapeSchema.optional(),
  seed: z.number().int().optional(),
  tokens: z.number().int().optional(),
  mode: z.enum(['both', 'b', 'a']).optional(),
  dropout: z.number().optional(),
  checkpointing: z.boolean().optional(),
  frozenScale: z.number().optional(),
  headRows: z.number().int().optional(),
  /** Finite differences, which take two thirds of the time. */
  differences: z.boolean().optional(),
  /** Gives the whole gradient, in the order of a delta. */
  gradient: z.boolean().optional(),
  data: z.string().optional(),
  start: z.string().optional(),
});

/** Either `trained`, an adapter exported as its difference from the start, or `delta`, which is added to the start. */
export const deltaRequestSchema = z.object({
  ...common,
  output: z.string().min(1),
  trained: z.string().optional(),
  /** Shape of the seeded start, where `start` names no file. */
  adapter: adapterShapeSchema.optional(),
  delta: z.string().optional(),
  start: z.string().optional(),
  seed: z.number().int().optional(),
  mode: z.enum(['both', 'b', 'a']).optional(),
  scale: z.number().optional(),
  card: z.record(z.string(), z.unknown()).optional(),
});

const finite = z.number();
/** JSON has no word for “not known yet”: the trainer writes null. */
const perhaps = z.number().nullable();

/** What the trainer says while it works. */
export const trainerEventSchema = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('ready'),
    architecture: z.string(),
    kernels: z.string(),
    precision: z.string(),
    threads: finite,
    device: z.string(),
    examples: finite,
    steps: finite,
    resumedAt: finite,
    checkpointing: z.boolean(),
    memoryBytes: finite,
  }),
  /** Twice a second. */
  z.object({
    event: z.literal('progress'),
    step: finite,
    steps: finite,
    loss: perhaps,
    tokensPerSecond: finite,
    secondsLeft: perhaps,
    paused: z.boolean(),
  }),
  z.object({
    event: z.literal('step'),
    step: finite,
    steps: finite,
    loss: perhaps,
    gradientNorm: finite,
    learningRate: finite,
    tokens: finite,
    examples: finite,
    /** Of the vocabulary, what was multiplied on the way back: tokens that are unlikely everywhere are left out. */
    headShare: finite.optional(),
    exampleNorms: z.array(finite).optional(),
  }),
  z.object({ event: z.literal('validation'), step: finite, loss: finite, best: z.boolean() }),
  z.object({ event: z.literal('checkpoint'), step: finite }),
  /** `loss` is the sum over the example's labelled tokens, in nats. */
  z.object({ event: z.literal('example'), stack: finite, example: finite, loss: finite, tokens: finite }),
  z.object({ event: z.literal('tensor'), name: z.string(), norm: finite, error: finite }),
  z.object({ event: z.literal('warning'), message: z.string() }),
]);
export type TrainerEvent = z.infer<typeof trainerEventSchema>;

export const infoResultSchema = z.object({
  architecture: z.string(),
  name: z.string(),
  layers: finite,
  width: finite,
  vocabulary: finite,
  context: finite,
  tiedEmbeddings: z.boolean(),
  tensors: z.record(z.string(), finite),
  /** Trained values of the given shape, both matrices. */
  parameters: finite,
  kernels: z.string(),
  precision: z.string(),
  threads: finite,
  devices: z.array(z.object({ name: z.string(), description: z.string(), gpu: z.boolean(), memoryBytes: finite })),
  /** Estimated for training, weights included; the second with activation checkpointing. */
  memoryBytes: finite,
  memoryCheckpointingBytes: finite,
  ggml: z.object({ version: z.string(), commit: z.string(), release: z.string() }),
  trainer: z.string(),
});

export const evaluateResultSchema = z.object({
  /** Weighted mean in nats a token, and the labelled tokens, of each stack. */
  stacks: z.array(z.object({ loss: finite, tokens: finite })),
  seconds: finite,
  tokensPerSecond: finite,
});

export const trainResultSchema = z.object({
  stopped: z.enum(['steps', 'earlyStopping', 'secondsLimit']),
  steps: finite,
  tokens: finite,
  loss: perhaps,
  validationLoss: perhaps,
  bestStep: finite,
  seconds: finite,
  tokensPerSecond: finite,
});

export const gradcheckResultSchema = z.object({
  loss: finite,
  tensors: finite,
  /** Largest relative error against finite differences, in double precision. */
  worst: perhaps,
  /** Each float path against the double gradient: largest relative error of a tensor, and of the loss. */
  paths: z.array(z.object({ kernels: z.string(), error: finite, lossError: finite })),
  gradient: z.array(finite).optional(),
});

export const deltaResultSchema = z.object({ values: finite });

export const trainerProblems = [
  'internal',
  'badRequest',
  'libraries',
  'modelNotReadable',
  'modelInvalid',
  'modelUnsupported',
  'adapterInvalid',
  'adapterMismatch',
  'dataInvalid',
  'checkpointInvalid',
  'memoryCeiling',
  'fileNotWritable',
  'cancelled',
  'deviceUnusable',
] as const;
export const errorSchema = z.object({
  event: z.literal('error'),
  problem: z.enum(trainerProblems),
  message: z.string(),
});

/** A command's name, what it takes and what it gives. */
export interface TrainerCommand<Request, Result> {
  readonly name: string;
  readonly request: z.ZodType<Request>;
  readonly result: z.ZodType<Result>;
}

function command<Request, Result>(
  name: string,
  request: z.ZodType<Request>,
  result: z.ZodType<Result>,
): TrainerCommand<Request, Result> {
  return { name, request, result };
}

export const trainerCommands = {
  info: command('info', infoRequestSchema, infoResultSchema),
  evaluate: command('evaluate', evaluateRequestSchema, evaluateResultSchema),
  gradcheck: command('gradcheck', gradcheckRequestSchema, gradcheckResultSchema),
  train: command('train', trainRequestSchema, trainResultSchema),
  delta: command('delta', deltaRequestSchema, deltaResultSchema),
};
