import { mean, rounded } from '../measure.ts';
import { meanDeviation, memberGradients, multiplierFor, partOf } from './clientLevel.ts';
import type { Code } from './corpus.ts';
import { type NextTokens, openReading, type Reader } from './reader.ts';
import { clipped, meanOf, normOf, rangesOf, withNoise } from './vectors.ts';
import type { Example, Workshop } from './workshop.ts';

export interface InversionRow {
  /** Updates of one member without secure aggregation, of one short window or of its ten whole ones; or the sum of ten members. */
  readonly holds: 'shortWindow' | 'update' | 'sum';
  readonly epsilon: number | 'none';
  readonly tokens: number;
  /** Share of the tokens that are right, where each guess follows the guesses before it. */
  readonly recovered: number;
  /** The same where the attacker weighs what the model itself expects too. */
  readonly recoveredWithPrior: number;
  /** What the model guesses by itself: who holds nothing gets as much. */
  readonly greedy: number;
  /** The three again where the attacker is told each token after it has guessed. */
  readonly toldRecovered: number;
  readonly toldRecoveredWithPrior: number;
  readonly toldGreedy: number;
  /** Tokens that are among the candidates at all, when told: no attack of this kind gets more. */
  readonly toldReachable: number;
}

const shortTokens = 17;
const windows = 8;
const candidates = 16;
const members = 10;
const noiseDraws = 2;
/** Of the step that is taken along and against what is held: short enough to be a slope, long enough for 8-bit arithmetic. */
const longestStep = 3;
const mostNoise = 30;

/**
 * Which code was it? The attacker knows the model, A's seed and what it holds of B, takes a small step along and against that,
 * and among the model's most likely next tokens takes the one that this changes most: to first order, the one whose gradient
 * points most along what is held. The first tokens of member 0's ten windows are wanted; the very first is given.
 */
export async function inversion(code: Code, workshop: Workshop, epsilons: readonly number[]): Promise<InversionRow[]> {
  const [author] = code.authors;
  if (author === undefined) throw new Error('The corpora hold no author.');
  const wanted = partOf(author, 0)
    .slice(0, windows)
    .map(({ tokens }) => tokens.slice(0, shortTokens));
  const updates = (await memberGradients(code, workshop, members)).map((each) => clipped(each, rangesOf('all')));
  const sum = meanOf(updates);
  await using reading = await openReading();
  await using base = await reading.reader(shortTokens);
  const greedy: number[] = [];
  for (const text of wanted) greedy.push(await rightAlone({ base }, text, guesses.prior));

  async function row(holds: InversionRow['holds'], epsilon: InversionRow['epsilon'], held: readonly Held[]) {
    const scores: Score[] = [];
    for (const { vector, texts } of held) {
      const length = Math.min(longestStep, mostNoise / normOf(vector));
      const path = await workshop.adapterOf({ vector, length });
      await using along = await reading.reader(shortTokens, { path, scale: 1 });
      await using against = await reading.reader(shortTokens, { path, scale: -1 });
      for (const text of texts) scores.push(await attack({ base, steps: { along, against } }, text));
    }
    const over = (key: keyof Score) => rounded(mean(scores.map((score) => score[key])), 3);
    return {
      holds,
      epsilon,
      tokens: wanted.length * (shortTokens - 1),
      recovered: over('recovered'),
      recoveredWithPrior: over('recoveredWithPrior'),
      greedy: rounded(mean(greedy), 3),
      toldRecovered: over('toldRecovered'),
      toldRecoveredWithPrior: over('toldRecoveredWithPrior'),
      toldGreedy: over('toldGreedy'),
      toldReachable: over('toldReachable'),
    };
  }

  const short: Held[] = [];
  for (const [i, tokens] of wanted.entries()) {
    const vector = clipped(await workshop.gradient(`short-${author.name}-${i}`, [{ tokens }], false), rangesOf('all'));
    short.push({ vector, texts: [tokens] });
  }
  const [own = sum] = updates;
  const rows: InversionRow[] = [
    await row('shortWindow', 'none', short),
    await row('update', 'none', [{ vector: own, texts: wanted }]),
    await row('sum', 'none', [{ vector: sum, texts: wanted }]),
  ];
  for (const epsilon of epsilons) {
    const deviation = meanDeviation(multiplierFor(epsilon), members);
    const draws = Array.from({ length: noiseDraws }, (_, draw) => ({
      vector: withNoise(sum, deviation, rangesOf('all'), `inversion ${epsilon} ${draw}`),
      texts: wanted,
    }));
    rows.push(await row('sum', epsilon, draws));
  }
  return rows;
}

interface Held {
  readonly vector: Float32Array;
  readonly texts: readonly Example['tokens'][];
}

type Score = Record<
  'recovered' | 'recoveredWithPrior' | 'toldRecovered' | 'toldRecoveredWithPrior' | 'toldGreedy' | 'toldReachable',
  number
>;

interface Readers {
  readonly base: Reader;
  /** Without them, what is held counts for nothing. */
  readonly steps?: { readonly along: Reader; readonly against: Reader };
}

async function attack(readers: Readers, text: readonly number[]): Promise<Score> {
  return {
    recovered: await rightAlone(readers, text, guesses.gradient),
    recoveredWithPrior: await rightAlone(readers, text, guesses.both),
    ...(await rightWhenTold(readers, text)),
  };
}

/** What a token after the same beginning is worth to the attacker, from the model, and from what it holds. */
interface Candidate {
  readonly token: number;
  readonly prior: number;
  readonly slope: number;
}

const guesses = {
  gradient: best(({ slope }) => slope),
  both: best(({ prior, slope }) => prior + slope),
  prior: best(({ prior }) => prior),
};

function best(worth: (candidate: Candidate) => number) {
  return (all: readonly Candidate[]): number =>
    all.reduce((top, each) => (worth(each) > worth(top) ? each : top), all[0] ?? nothing).token;
}

const nothing: Candidate = { token: -1, prior: 0, slope: 0 };

async function rightAlone(
  readers: Readers,
  text: readonly number[],
  guess: (all: readonly Candidate[]) => number,
): Promise<number> {
  await restart(readers);
  let last = text[0] ?? 0;
  const right: number[] = [];
  for (const token of text.slice(1)) {
    last = guess(await candidatesAfter(readers, last));
    right.push(Number(last === token));
  }
  return mean(right);
}

async function rightWhenTold(readers: Readers, text: readonly number[]) {
  await restart(readers);
  const right: { gradient: number; both: number; prior: number; reachable: number }[] = [];
  for (const [i, token] of text.slice(1).entries()) {
    const all = await candidatesAfter(readers, text[i] ?? 0);
    right.push({
      gradient: Number(guesses.gradient(all) === token),
      both: Number(guesses.both(all) === token),
      prior: Number(guesses.prior(all) === token),
      reachable: Number(all.some((each) => each.token === token)),
    });
  }
  return {
    toldRecovered: mean(right.map(({ gradient }) => gradient)),
    toldRecoveredWithPrior: mean(right.map(({ both }) => both)),
    toldGreedy: mean(right.map(({ prior }) => prior)),
    toldReachable: mean(right.map(({ reachable }) => reachable)),
  };
}

async function candidatesAfter({ base, steps }: Readers, token: number): Promise<readonly Candidate[]> {
  const usual = await base.read(token);
  const more = (await steps?.along.read(token)) ?? usual;
  const less = (await steps?.against.read(token)) ?? usual;
  return [...usual.keys()].slice(0, candidates).map((candidate) => ({
    token: candidate,
    prior: logOf(usual, candidate),
    slope: (logOf(more, candidate) - logOf(less, candidate)) / 2,
  }));
}

function logOf(probabilities: NextTokens, token: number): number {
  return Math.log(Math.max(probabilities.get(token) ?? 0, 1e-30));
}

async function restart({ base, steps }: Readers): Promise<void> {
  await base.restart();
  await steps?.along.restart();
  await steps?.against.restart();
}
