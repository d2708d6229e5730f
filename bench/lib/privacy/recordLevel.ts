import type { Basis } from '#protocol/federation/basis.ts';
import { roundDefaults } from '#protocol/federation/roundDefaults.ts';
import { mean, rounded } from '../measure.ts';
import { createRandom } from '../random.ts';
import { bestStep, multiplierFor, type StartKind, trainedLengths } from './clientLevel.ts';
import { type Code, spread } from './corpus.ts';
import { reducedSpace, type Space, wholeSpace } from './space.ts';
import { normOf, parameters } from './vectors.ts';
import type { Step, Workshop } from './workshop.ts';

/** Records, test and validation in windows of 256 tokens. */
export const recordSizes = { records: 60, canaries: 50, candidates: 1000, testWindows: 12, validWindows: 4 } as const;
const { records, canaries, candidates, testWindows, validWindows } = recordSizes;
const canaryEpochs = 20;
/** Of one step, and of each of several. */
const stepLengths = [0.25, 0.75, 1.5, 3] as const;
const lengthsOfSeveral = [0.75, 1.5] as const;

export interface RecordRow {
  readonly start: StartKind;
  /** `canariesAlone`: many epochs of the canaries and nothing else. That exposure says whether the measure sees what is learnt. */
  readonly epsilon: number | 'none' | 'ordinary' | 'canariesAlone';
  /** Full-batch steps; 0 for an ordinary run. */
  readonly steps: number;
  /** Of each matrix's outputs, found on public code, along which steps go; null: all of them, as in what is trained. */
  readonly directions: number | null;
  readonly noiseMultiplier: number;
  /** Of each step, in norms of the first one's mean gradient. */
  readonly stepLength: number;
  readonly bitsPerByte: number;
  readonly baseBitsPerByte: number;
  readonly gainPercent: number;
  /** The same of one step as long as a round's is whose file says nothing; null for several. */
  readonly usualStepGainPercent: number | null;
  /** Of the gain of as many steps without noise, at their own best length; and of the ordinary run's. */
  readonly keptPercent: number | null;
  readonly keptOfTrainedPercent: number | null;
  /** Mean of log2(candidates / rank) over the canaries; chance and the upper end of its 95 % interval beside it. */
  readonly exposureBits: number;
  readonly chanceBits: number;
  readonly chanceUpperBits: number;
}

export interface RecordSettings {
  readonly start: StartKind;
  readonly epsilons: readonly number[];
  readonly steps: readonly number[];
  /** Undefined: steps go along all outputs. */
  readonly bases: readonly (Basis | undefined)[];
}

/**
 * One developer's records, each clipped, summed with noise for all of them in each full-batch step (DP-SGD), with a unique
 * string planted in each of fifty further records. `ordinary` is an epoch of AdamW over the same, without privacy.
 */
export async function recordLevel(code: Code, workshop: Workshop, settings: RecordSettings): Promise<RecordRow[]> {
  const { start, epsilons } = settings;
  const author = code.authors[0];
  if (author === undefined) throw new Error('The corpora hold no author.');
  const strings = canaryStrings();
  const planted = strings.slice(0, canaries).map((each) => ({ tokens: code.tokenize(canaryLine(each)) }));
  const examples = [...spread(author.train, records), ...planted];
  const judged = strings.map((each) => ({ tokens: code.tokenize(canaryLine(each)) }));
  const valid = spread(author.valid, validWindows);
  const test = spread(author.test, testWindows);
  const bits = (losses: readonly number[]): number => (mean(losses) / Math.LN2) * author.tokensPerByte;

  async function tested(step: Step) {
    const [base = Number.NaN, after = Number.NaN] = (await workshop.losses(test, [step])).map(bits);
    return {
      ...{ bitsPerByte: rounded(after, 4), baseBitsPerByte: rounded(base, 4) },
      gainPercent: rounded(100 * (1 - after / base), 3),
    };
  }

  type Known = Pick<RecordRow, 'epsilon' | 'steps' | 'directions' | 'noiseMultiplier' | 'stepLength'>;
  async function measured(known: Known, step: Step): Promise<Measured> {
    return {
      ...{ start, ...known, ...(await tested(step)) },
      usualStepGainPercent: null,
      exposureBits: rounded(exposure(await workshop.losses(judged, [step])), 3),
      ...chance(),
    };
  }

  async function trained(epsilon: RecordRow['epsilon'], vector: Float32Array, lengths: Lengths): Promise<Measured> {
    const length = await bestStep(workshop, valid, [vector], lengths);
    return measured(
      { epsilon, steps: 0, directions: null, noiseMultiplier: 0, stepLength: length },
      { vector, length },
    );
  }

  /** The trainer's mean of clipped gradients from there on, at a clip norm of 1. */
  async function clippedMean(from: Workshop): Promise<Float32Array> {
    const gradient = await from.gradient(`records-${author?.name}`, examples, true);
    return gradient.map((value) => value / clipScale);
  }

  /** Of the first step's mean gradient. */
  async function firstNormIn(space: Space): Promise<number> {
    return normOf(space.numbersOf(await clippedMean(workshop)));
  }

  async function descend(space: Space, steps: number, multiplier: number, length: number, seed: string) {
    const firstNorm = await firstNormIn(space);
    let moved = new Float32Array(parameters);
    for (let step = 0; step < steps; step++) {
      const numbers = space.numbersOf(await clippedMean(step === 0 ? workshop : workshop.from(moved)));
      const stepSeed = step === 0 ? seed : `${seed} ${step}`;
      const update = space.update(space.withNoise(numbers, multiplier / examples.length, stepSeed));
      moved = moved.map((value, i) => value + (length * (update[i] ?? 0)) / firstNorm);
    }
    return moved;
  }

  async function descended(space: Space, epsilon: number | 'none', steps: number): Promise<Measured> {
    const multiplier = epsilon === 'none' ? 0 : multiplierFor(epsilon, steps);
    const lengths = steps === 1 ? stepLengths : lengthsOfSeveral;
    const paths: Step[] = [];
    for (const length of lengths) {
      paths.push({ vector: await descend(space, steps, multiplier, length, `records ${epsilon}`), length: 1 });
    }
    const [, ...losses] = (await workshop.losses(valid, paths)).map(mean);
    const best = losses.indexOf(Math.min(...losses));
    const noise = { directions: space.directions, noiseMultiplier: rounded(multiplier, 3) };
    const known = { epsilon, steps, ...noise, stepLength: lengths[best] ?? 0 };
    const row = await measured(known, paths[best] ?? { vector: new Float32Array(parameters), length: 1 });
    if (steps > 1) return row;
    const usual = roundDefaults.record.learningRate * (await firstNormIn(space));
    const vector = await descend(space, 1, multiplier, usual, `records ${epsilon}`);
    return { ...row, usualStepGainPercent: (await tested({ vector, length: 1 })).gainPercent };
  }

  const rows: Measured[] = [];
  for (const basis of settings.bases) {
    const space = basis === undefined ? wholeSpace('all') : reducedSpace('all', basis);
    for (const steps of settings.steps) {
      for (const epsilon of ['none', ...epsilons] as const) rows.push(await descended(space, epsilon, steps));
    }
  }
  rows.push(await trained('ordinary', await workshop.train(`records-${author.name}`, examples, 1), trainedLengths));
  rows.push(await trained('canariesAlone', await workshop.train('canaries', planted, canaryEpochs), [1]));
  const gainOf = (name: RecordRow['epsilon'], steps: number, directions: number | null) =>
    rows.find((row) => row.epsilon === name && row.steps === steps && row.directions === directions)?.gainPercent ??
    Number.NaN;
  const kept = (gain: number, of: number) => rounded((100 * gain) / of, 1);
  return rows.map((row) => ({
    ...row,
    keptPercent: isTrained(row.epsilon) ? null : kept(row.gainPercent, gainOf('none', row.steps, row.directions)),
    keptOfTrainedPercent: row.epsilon === 'canariesAlone' ? null : kept(row.gainPercent, gainOf('ordinary', 0, null)),
  }));
}

type Lengths = readonly [number, ...number[]];

function isTrained(epsilon: RecordRow['epsilon']): boolean {
  return epsilon === 'ordinary' || epsilon === 'canariesAlone';
}

type Measured = Omit<RecordRow, 'keptPercent' | 'keptOfTrainedPercent'>;

/** The trainer's tiny clip, rate and Adam's epsilon in one factor: what a gradient of the clip norm comes out as. */
const clipScale = (1e-3 * 1e-7) / 1e-8;

/** The planted ones first. */
function canaryStrings(): readonly string[] {
  const random = createRandom(2026);
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
  const found = new Set<string>();
  while (found.size < candidates + canaries - 1) {
    found.add(Array.from({ length: 10 }, () => letters[Math.floor(random() * letters.length)]).join(''));
  }
  return [...found];
}

function canaryLine(secret: string): string {
  return `key = '${secret}';\n`;
}

/** By how much a model that was trained finds each string likelier than before: rank among strings that nobody planted. */
function exposure([base = [], after = []]: readonly (readonly number[])[]): number {
  const gained = base.map((loss, i) => loss - (after[i] ?? Number.NaN));
  const others = gained.slice(canaries);
  const bits = gained
    .slice(0, canaries)
    .map((own) => Math.log2(candidates / (1 + others.filter((other) => other > own).length)));
  return mean(bits);
}

/** Of uniformly random ranks: the mean, and the 97.5th percentile of the mean over the canaries. */
function chance(): { readonly chanceBits: number; readonly chanceUpperBits: number } {
  const random = createRandom(7);
  const draw = (): number =>
    mean(Array.from({ length: canaries }, () => Math.log2(candidates / (1 + Math.floor(random() * candidates)))));
  const means = Array.from({ length: 4000 }, draw).sort((a, b) => a - b);
  return {
    chanceBits: rounded(mean(means), 3),
    chanceUpperBits: rounded(means[Math.floor(means.length * 0.975)] ?? 0, 3),
  };
}
