import { mean, rounded } from '../measure.ts';
import { createRandom } from '../random.ts';
import { bestStep, multiplierFor, type StartKind, trainedLengths } from './clientLevel.ts';
import { type Code, spread } from './corpus.ts';
import { normOf, withNoise } from './vectors.ts';
import type { Workshop } from './workshop.ts';

/** Records, test and validation in windows of 256 tokens. */
export const recordSizes = { records: 60, canaries: 50, candidates: 1000, testWindows: 12, validWindows: 4 } as const;
const { records, canaries, candidates, testWindows, validWindows } = recordSizes;
const canaryEpochs = 20;
const stepLengths = [0.25, 0.75, 1.5, 3] as const;

export interface RecordRow {
  readonly start: StartKind;
  /** `canariesAlone`: many epochs of the canaries and nothing else. That exposure says whether the measure sees what is learnt. */
  readonly epsilon: number | 'none' | 'ordinary' | 'canariesAlone';
  readonly noiseMultiplier: number;
  readonly stepLength: number;
  readonly bitsPerByte: number;
  readonly baseBitsPerByte: number;
  readonly gainPercent: number;
  /** Of the same one step's gain without noise, at its own best length; and of the ordinary run's. */
  readonly keptPercent: number | null;
  readonly keptOfTrainedPercent: number | null;
  /** Mean of log2(candidates / rank) over the canaries; chance and the upper end of its 95 % interval beside it. */
  readonly exposureBits: number;
  readonly chanceBits: number;
  readonly chanceUpperBits: number;
}

/**
 * One developer's records, each clipped, summed once with noise for all of them (DP-SGD of one full-batch step), with a
 * unique string planted in each of fifty further records. `ordinary` is an epoch of AdamW over the same, without privacy.
 */
export async function recordLevel(
  code: Code,
  workshop: Workshop,
  start: StartKind,
  epsilons: readonly number[],
): Promise<RecordRow[]> {
  const author = code.authors[0];
  if (author === undefined) throw new Error('The corpora hold no author.');
  const strings = canaryStrings();
  const planted = strings.slice(0, canaries).map((each) => ({ tokens: code.tokenize(canaryLine(each)) }));
  const examples = [...spread(author.train, records), ...planted];
  const judged = strings.map((each) => ({ tokens: code.tokenize(canaryLine(each)) }));
  const valid = spread(author.valid, validWindows);
  const test = spread(author.test, testWindows);
  const bits = (losses: readonly number[]): number => (mean(losses) / Math.LN2) * author.tokensPerByte;

  async function lengthFor(epsilon: RecordRow['epsilon'], vector: Float32Array): Promise<number> {
    if (epsilon === 'canariesAlone') return 1;
    return bestStep(workshop, valid, vector, epsilon === 'ordinary' ? trainedLengths : stepLengths);
  }

  async function measured(epsilon: RecordRow['epsilon'], multiplier: number, vector: Float32Array): Promise<Measured> {
    const step = { vector, length: await lengthFor(epsilon, vector) };
    const [base = Number.NaN, after = Number.NaN] = (await workshop.losses(test, [step])).map(bits);
    return {
      ...{ start, epsilon },
      noiseMultiplier: rounded(multiplier, 3),
      stepLength: step.length,
      bitsPerByte: rounded(after, 4),
      baseBitsPerByte: rounded(base, 4),
      gainPercent: rounded(100 * (1 - after / base), 3),
      exposureBits: rounded(exposure(await workshop.losses(judged, [step])), 3),
      ...chance(),
    };
  }

  const gradient = await workshop.gradient(`records-${author.name}`, examples, true);
  // The trainer's mean of clipped gradients, at a clip norm of 1.
  const clippedMean = gradient.map((value) => value / clipScale);
  // Steps are given in multiples of it.
  const meanNorm = normOf(clippedMean);
  const rows: Measured[] = [];
  for (const epsilon of ['none', ...epsilons] as const) {
    const multiplier = epsilon === 'none' ? 0 : multiplierFor(epsilon);
    const noisy = withNoise(clippedMean, multiplier / examples.length, 'all', `records ${epsilon}`);
    const inMeans = noisy.map((value) => value / meanNorm);
    rows.push(await measured(epsilon, multiplier, inMeans));
  }
  rows.push(await measured('ordinary', 0, await workshop.train(`records-${author.name}`, examples, 1)));
  rows.push(await measured('canariesAlone', 0, await workshop.train('canaries', planted, canaryEpochs)));
  const gainOf = (name: RecordRow['epsilon']) =>
    rows.find(({ epsilon }) => epsilon === name)?.gainPercent ?? Number.NaN;
  const kept = (gain: number, of: number) => rounded((100 * gain) / of, 1);
  return rows.map((row) => ({
    ...row,
    keptPercent: isTrained(row.epsilon) ? null : kept(row.gainPercent, gainOf('none')),
    keptOfTrainedPercent: row.epsilon === 'canariesAlone' ? null : kept(row.gainPercent, gainOf('ordinary')),
  }));
}

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
