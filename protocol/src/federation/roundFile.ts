import { z } from 'zod';
import { leastCohort, maxMembers } from './messages.ts';
import { defaultDelta, roundDefaults } from './roundDefaults.ts';

/**
 * `.argot/round.json`: a round's settings as a team's lead writes them. What is left out is as by default, field by field;
 * `privacy` is one choice, taken as a whole. What follows from the model and the enrolment is not in it.
 */

const { packsPerStep, sequence, durationMs, seenWithinMs, record } = roundDefaults;
const longestMs = 366 * 86_400_000;
const notAnObject = 'must be an object';

const trainingSchema = fields({
  steps: whole(
    1,
    1_000_000,
    `Steps of AdamW at each member, ${roundDefaults.steps} by default; under “record” of plain gradient descent, by default ${record.steps}; under “client” they only say how much one gradient is of.`,
  ).optional(),
  packsPerStep: whole(1, 100_000, 'Sequences a step; not used under “record”.').default(packsPerStep),
  sequence: whole(2, 1_048_576, 'Tokens of a sequence, at most the model’s context.').default(sequence),
  learningRate: amount(
    10,
    `Of AdamW, by default ${roundDefaults.learningRate.b} for B alone and ${roundDefaults.learningRate.both} for both matrices; under “record” the length of a step in clip norms, by default ${record.learningRate}; not used under “client”.`,
  ).optional(),
});

const epsilon = amount(1000, 'What a round may tell about one record, or one member. The noise follows from it.');
const delta = z
  .number({ error: 'must be a number between 0 and 1' })
  .gt(0, { error: 'must be a number between 0 and 1' })
  .lt(1, { error: 'must be a number between 0 and 1' })
  .describe('The probability with which epsilon need not hold.')
  .default(defaultDelta);

const basis = z
  .boolean({ error: 'must be true or false' })
  .describe(
    'Whether members send how far their gradient goes along the basis of the newest start from public code, where it has one: far fewer numbers, and so less noise.',
  )
  .default(true);

const privacySchema = z
  .discriminatedUnion(
    'mechanism',
    [
      fields({ mechanism: z.literal('none') }),
      fields({
        mechanism: z.literal('record').describe('DP-SGD at each member: protects each of its examples.'),
        epsilon,
        delta,
        basis,
        clip: amount(1e9, 'Norm to which each record’s gradient is shortened: by default nearly each one is.').default(
          record.clip,
        ),
        sampleRate: amount(
          1,
          'Share of a member’s records in a step; by default a run goes through them once.',
        ).optional(),
      }),
      fields({
        mechanism: z.literal('client').describe('Noise of all members in the sum: protects each member.'),
        epsilon,
        delta,
        basis,
      }),
    ],
    {
      error: (issue) =>
        typeof issue.input === 'object' && issue.input !== null ? 'must be “none”, “record” or “client”' : notAnObject,
    },
  )
  .describe('Taken as a whole. Policies and the enrolment say which mechanisms and how much epsilon members accept.')
  .default({ mechanism: 'none' });

const quantiserSchema = fields({
  bits: whole(2, 16, 'Of a member’s coordinate.').optional(),
  laneBits: whole(
    4,
    32,
    'Of a coordinate of the sum on the wire; in a large team “bits” shrink to keep to it.',
  ).optional(),
  range: amount(
    1e9,
    'Coordinates beyond ± this are cut. By default steps · learning rate; under “record” and “client” by the noise.',
  ).optional(),
});

export const roundFileSchema = fields({
  $schema: z.string({ error: 'must be text' }).optional(),
  training: trainingSchema.prefault({}).describe('How each member trains.'),
  clipNorm: amount(
    1e9,
    'Norm to which an update is shortened; under “client” the length of the step, by default 1.',
  ).optional(),
  maxWeight: whole(1, 65_535, 'Of the member with the most examples; 1 where there is privacy.').optional(),
  minimumCohort: whole(
    leastCohort,
    maxMembers,
    'Members without whom no sum is opened; under “client” the noise is for as many, by default two thirds of the team.',
  ).optional(),
  privacy: privacySchema,
  quantiser: quantiserSchema.prefault({}).describe('How numbers travel.'),
  durationMs: whole(1, longestMs, 'Milliseconds from a round’s beginning to the deadline of the updates.').default(
    durationMs,
  ),
  seenWithinMs: whole(
    1,
    longestMs,
    'Members who were last heard of longer ago, in milliseconds, are not asked.',
  ).default(seenWithinMs),
});
export type RoundFile = z.infer<typeof roundFileSchema>;

export type RoundFileOutcome =
  | { readonly ok: true; readonly file: RoundFile }
  /** A sentence that begins with the field and says what is allowed. */
  | { readonly ok: false; readonly complaint: string };

export function parseRoundFile(text: string): RoundFileOutcome {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, complaint: 'It is not JSON.' };
  }
  const parsed = roundFileSchema.safeParse(json);
  if (parsed.success) return { ok: true, file: parsed.data };
  const [issue] = parsed.error.issues;
  return { ok: false, complaint: aboutField(issue?.path ?? [], issue?.message ?? 'is not understood') };
}

/** `what` says what is allowed: “must be …”. */
export function aboutField(path: readonly PropertyKey[], what: string): string {
  return `${path.length === 0 ? 'It' : `“${path.join('.')}”`} ${what}.`;
}

/** For the editor's completion and checks; schemas/round.schema.json holds it. */
export function roundFileJsonSchema(): unknown {
  return { title: 'Argot round settings', ...z.toJSONSchema(roundFileSchema, { io: 'input' }) };
}

function fields<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape).filter((name) => name !== '$schema');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `has no “${issue.keys[0] ?? ''}”, only ${known.join(', ')}` : notAnObject,
  });
}

function whole(least: number, most: number, description: string) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error }).describe(description);
}

function amount(most: number, description: string) {
  const error = `must be a number above 0, at most ${most}`;
  return z.number({ error }).gt(0, { error }).lte(most, { error }).describe(description);
}
