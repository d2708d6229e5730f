import { noiseFor } from '#protocol/privacy/calibration.ts';
import { mean, rounded } from '../measure.ts';
import { createRandom } from '../random.ts';
import { delta } from './clientLevel.ts';
import { type Code, spread } from './corpus.ts';
import { gaussianRelease, normOf, withNoise } from './vectors.ts';
import type { Workshop } from './workshop.ts';

const records = 120;
const canaries = 50;
const candidates = 1000;
const testWindows = 12;
const validWindows = 4;
const stepLengths = [0.25, 0.75, 1.5, 3] as const;

export interface RecordRow {
  readonly epsilon: number | 'none' | 'ordinary';
  readonly noiseMultiplier: number;
  readonly stepLength: number | null;
  readonly bitsPerByte: number;
  readonly baseBitsPerByte: number;
  readonly gainPercent: number;
  /** Mean of log2(candidates / rank) over the canaries; chance and the upper end of its 95 % interval beside it. */
  readonly exposureBits: number;
  readonly chanceBits: number;
  readonly chanceUpperBits: number;
}

/**
 * One developer's records, each clipped, summed once with noise for all of them (DP-SGD of one full-batch step), with a
 * unique string planted in each of fifty further records. `ordinary` is AdamW over the same records, without privacy.
 */
export async function recordLevel(code: Code, workshop: Workshop, epsilons: readonly number[]): Promise<RecordRow[]> {
  const author = code.authors[0];
  if (author === undefined) throw new Error('The corpora hold no author.');
  const strings = canaryStrings();
  const planted = strings.slice(0, canaries).map((each) => ({ tokens: code.tokenize(canaryLine(each)) }));
  const examples = [...spread(author.train, records), ...planted];
  const judged = strings.map((each) => ({ tokens: code.tokenize(canaryLine(each)) }));
  const gradient = await workshop.gradient(`records-${author.name}`, examples, true);
  // The trainer's mean of clipped gradients, at a clip norm of 1.
  const scale = 1 / clipScale;
  const sum = gradient.map((value) => value * scale);
  const valid = spread(author.valid, validWindows);
  const test = spread(author.test, testWindows);
  const bits = (losses: readonly number[]): number => (mean(losses) / Math.LN2) * author.tokensPerByte;
  const rows: RecordRow[] = [];

  async function add(
    epsilon: RecordRow['epsilon'],
    noiseMultiplier: number,
    stepLength: number | null,
    losses: Judged,
  ) {
    const [base = [], after = []] = losses.test;
    rows.push({
      epsilon,
      noiseMultiplier: rounded(noiseMultiplier, 3),
      stepLength,
      bitsPerByte: rounded(bits(after), 4),
      baseBitsPerByte: rounded(bits(base), 4),
      gainPercent: rounded(100 * (1 - bits(after) / bits(base)), 3),
      exposureBits: rounded(exposure(losses.canaries), 3),
      ...chance(),
    });
  }

  for (const epsilon of ['none', ...epsilons] as const) {
    const calibration =
      epsilon === 'none' ? undefined : noiseFor({ epsilon, delta }, (noise) => [gaussianRelease(noise)]);
    if (calibration?.ok === false) throw new Error(`No noise gives epsilon ${epsilon}.`);
    const multiplier = calibration?.noise ?? 0;
    const noisy = withNoise(sum, multiplier / examples.length, 'all', `records ${epsilon}`);
    // Steps are given in multiples of the mean's own norm without noise.
    const vector = noisy.map((value) => value / normOf(sum));
    const steps = stepLengths.map((length) => ({ vector, length }));
    const [, ...losses] = (await workshop.losses(valid, steps)).map(mean);
    const length = stepLengths[losses.indexOf(Math.min(...losses))] ?? stepLengths[0];
    const step = [{ vector, length }];
    await add(epsilon, multiplier, length, {
      test: await workshop.losses(test, step),
      canaries: await workshop.losses(judged, step),
    });
  }
  const trained = await workshop.train(`records-${author.name}`, examples, { steps: examples.length });
  await add('ordinary', 0, null, {
    test: await workshop.lossesOf(test, [trained]),
    canaries: await workshop.lossesOf(judged, [trained]),
  });
  return rows;
}

interface Judged {
  readonly test: readonly (readonly number[])[];
  readonly canaries: readonly (readonly number[])[];
}

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
  return `const client = connect({ name: 'garden', key: '${secret}' });\n`;
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
