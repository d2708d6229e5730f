import { z } from 'zod';

/**
 * The bodies of all messages; docs/protocol.md says who sends each, when, and what is checked beyond the shape. Objects
 * are strict: a field that is not written here has the whole message refused.
 */

function bytesOf(length: number) {
  return z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === length);
}

const anyBytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const key = bytesOf(32);
const hash = bytesOf(32);
const index = z.int().min(0).max(511);
const positive = z.number().positive();

/** Largest cohort and roster. */
export const maxMembers = 512;
/** The sum of two is no secret from either of them. */
export const leastCohort = 3;

function body<Type extends string, Fields extends z.ZodRawShape>(type: Type, fields: Fields) {
  return z.strictObject({ type: z.literal(type), federation: bytesOf(32), ...fields });
}

/** A person → lead: asks to be let in. */
export const joinSchema = body('join', { name: z.string().min(1).max(64) });
export type Join = z.infer<typeof joinSchema>;

/** Lead → all: who is in the team. */
export const rosterSchema = body('roster', {
  version: z.int().min(1),
  previous: hash.nullable(),
  members: z.array(z.strictObject({ key, name: z.string().min(1).max(64) })).max(maxMembers),
});
export type Roster = z.infer<typeof rosterSchema>;

/** Member → all: the X25519 keys to be used from now on. */
export const cardSchema = body('card', { generation: z.int().min(0), agreementKey: key, sealingKey: key });
export type Card = z.infer<typeof cardSchema>;

/** Member → all: no plan may name a card of the signer up to this generation any more; a later card takes it back. */
export const leaveSchema = body('leave', { generation: z.int().min(0) });
export type Leave = z.infer<typeof leaveSchema>;

const targets = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;

const privacySchema = z.discriminatedUnion('mechanism', [
  z.strictObject({ mechanism: z.literal('none') }),
  /** DP-SGD at each member, over its own examples. */
  z.strictObject({
    mechanism: z.literal('record'),
    clip: positive,
    noiseMultiplier: positive,
    sampleRate: z.number().positive().max(1),
    delta: z.number().positive().max(1),
  }),
  /** Integer noise from every member, inside the ring; the variance is one member's, per coordinate, in squared levels. */
  z.strictObject({
    mechanism: z.literal('client'),
    memberVariance: positive,
    delta: z.number().positive().max(1),
  }),
]);

const adapterSchema = z.strictObject({
  rank: z.int().min(1).max(512),
  alpha: positive,
  targets: z.array(z.enum(targets)).min(1).refine(inOrder),
  matrices: z.enum(['b', 'both']),
  seed: z.int().min(0),
});

const trainingSchema = z.strictObject({
  steps: z.int().min(1),
  packsPerStep: z.int().min(1),
  sequence: z.int().min(1),
  learningRate: positive,
});

/** Of a basis: anybody can check so many in seconds, and more would only be more numbers for noise. */
export const mostDirections = 64;

const bitsSchema = z.int().min(2).max(16);
const segmentsSchema = z
  .array(z.strictObject({ length: z.int().min(1), range: positive }))
  .min(1)
  .max(4096);

/**
 * Lead → all: an adapter trained on public code. A plan may name it as its parent, and members may use it before any round.
 * The values are a blob of one byte for each coordinate: a large model's are more than a message may have.
 */
export const startSchema = body('start', {
  /** Rises with every start: the newest of a base and shape counts. */
  sequence: z.int().min(1),
  base: hash,
  adapter: adapterSchema,
  /** What it was trained on, for people. */
  description: z.string().min(1).max(300),
  /** In the order of an update; a coordinate is its level, −127 to 127, times range/127. */
  segments: segmentsSchema,
  values: hash,
  /** Of B alone, one range for each matrix; `basis.ts` says what it is for. Its numbers are a blob of signed bytes too. */
  basis: z
    .strictObject({
      directions: z.int().min(1).max(mostDirections),
      ranges: z.array(positive).min(1).max(4096),
      values: hash,
    })
    .nullable(),
});
export type Start = z.infer<typeof startSchema>;
export type AdapterShape = Start['adapter'];

/** What the lead's commands and the coordinator's plans say alike. */
const roundFields = {
  base: hash,
  adapter: adapterSchema,
  training: trainingSchema,
  clipNorm: positive,
  maxWeight: z.int().min(1).max(65_535),
  minimumCohort: z.int().min(leastCohort).max(maxMembers),
  privacy: privacySchema,
  /** The start by whose basis updates are reduced before they are quantised; null: they are sent whole. */
  basis: hash.nullable(),
};

/** Coordinator → cohort: everything that a round depends on. */
export const planSchema = body('plan', {
  ...roundFields,
  round: z.int().min(1),
  roster: hash,
  /** Signed `card` messages. */
  cohort: z.array(anyBytes).min(leastCohort).max(maxMembers),
  parent: hash.nullable(),
  quantiser: z.strictObject({ bits: bitsSchema, segments: segmentsSchema }),
  deadlineMs: z.int().min(0),
});
export type Plan = z.infer<typeof planSchema>;

/** Member of the cohort → coordinator and committee. */
export const uploadSchema = body('upload', {
  plan: hash,
  payload: hash,
  commitments: z.array(hash).min(1),
  boxes: z.array(anyBytes).min(1),
});
export type Upload = z.infer<typeof uploadSchema>;

/** Coordinator → committee: whose uploads count and whose are missing. */
export const survivorsSchema = body('survivors', {
  plan: hash,
  survivors: z.array(z.strictObject({ member: index, upload: hash })),
  dropped: z.array(index),
});
export type Survivors = z.infer<typeof survivorsSchema>;

/** Committee member → coordinator: the shares that the survivor set calls for. */
export const releaseSchema = body('release', {
  plan: hash,
  survivors: hash,
  shares: z.array(anyBytes.nullable()),
});
export type Release = z.infer<typeof releaseSchema>;

/** Coordinator → cohort: the sum, by its hash. */
export const resultSchema = body('result', { plan: hash, survivors: hash, sum: hash });
export type Result = z.infer<typeof resultSchema>;

export const failureReasons = ['belowMinimumCohort', 'tooFewReleases', 'sharesInconsistent', 'stopped'] as const;

/** Coordinator → cohort: the round ended without a sum. */
export const failureSchema = body('failure', { plan: hash, reason: z.enum(failureReasons) });
export type Failure = z.infer<typeof failureSchema>;

/** Member of the cohort → all: whether the team's new adapter is better on the member's own held-out data. */
export const voteSchema = body('vote', { result: hash, adopt: z.boolean() });
export type Vote = z.infer<typeof voteSchema>;

const duration = z
  .int()
  .min(1)
  .max(366 * 86_400_000);

/** What a plan is made from once the coordinator knows who is there. */
export const roundSettingsSchema = z.strictObject({
  ...roundFields,
  /** `laneBits` bounds a coordinate on the wire: `bits` shrink with a growing cohort until the sum fits. */
  quantiser: z.strictObject({ bits: bitsSchema, laneBits: z.int().min(4).max(32), segments: segmentsSchema }),
  /** From the plan to the deadline of the uploads. */
  durationMs: duration,
  /** Members whose last request is older are not asked: who is away would only count as dropped. */
  seenWithinMs: duration,
});
export type RoundSettings = z.infer<typeof roundSettingsSchema>;

const commandActionSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('start'), settings: roundSettingsSchema }),
  z.strictObject({ do: z.literal('stop') }),
  z.strictObject({ do: z.literal('schedule'), settings: roundSettingsSchema, everyMs: duration }),
  z.strictObject({ do: z.literal('unschedule') }),
]);
export type CommandAction = z.infer<typeof commandActionSchema>;

/** Lead → coordinator. `sequence` rises with every command, so that an old one cannot be played again. */
export const commandSchema = body('command', { sequence: z.int().min(1), action: commandActionSchema });
export type Command = z.infer<typeof commandSchema>;

/** Lead → coordinator: begin a federation that this lead rules, at this coordinator. */
export const foundSchema = body('found', { coordinator: key });
export type Found = z.infer<typeof foundSchema>;

/** Strictly ascending in the list of all targets: each set of targets has one spelling. */
function inOrder(given: readonly (typeof targets)[number][]): boolean {
  return given.every(
    (target, place) => place === 0 || targets.indexOf(given[place - 1] ?? target) < targets.indexOf(target),
  );
}
