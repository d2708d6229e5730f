import { pairedBootstrap } from '../../language-server/src/learning/pairedBootstrap.ts';
import { mean, rounded, sum } from '../lib/measure.ts';

/** One author under one adapter, on the author's test windows. */
export interface Row {
  readonly author: string;
  readonly row: 'base' | 'own' | 'other' | 'pooled' | 'accepted';
  readonly trainingTokens: number;
  /** Lines in which the replayed developer took a suggestion so far, and all lines typed, for the row `accepted`. */
  readonly accepted?: number;
  readonly lines?: number;
  /** Chosen on the valid split; 0 is the base model. */
  readonly scale: number;
  readonly bitsPerByte: number;
  /** Share of the base model's bits that are saved. */
  readonly gain: number;
  readonly gainCi: readonly [number, number];
  /** One-sided, paired by window. */
  readonly pValue: number;
  /** On the lines that are completed, predicted where the cursor is: in all, and the share that is saved. */
  readonly targetBitsPerByte?: number;
  readonly targetGain?: number;
  /** Share by which bits per byte of generic code grew. */
  readonly forgetting?: number;
}

/** Losses of each window in nats, and the bytes they predict in all. */
export interface Losses {
  readonly nats: readonly number[];
  readonly bytes: number;
}

export function bitsPerByte({ nats, bytes }: Losses): number {
  return sum(nats) / Math.LN2 / bytes;
}

/** `losses` beside the base model's on the same windows. */
export function makeRow(
  about: Omit<Row, 'bitsPerByte' | 'gain' | 'gainCi' | 'pValue'>,
  base: Losses,
  losses: Losses,
): Row {
  const pairs = base.nats.map((before, i) => ({ before, after: losses.nats[i] ?? before }));
  const { gain, low, high, pValue } = pairedBootstrap(pairs);
  return {
    ...about,
    bitsPerByte: rounded(bitsPerByte(losses), 4),
    gain: rounded(gain, 4),
    gainCi: [rounded(low, 4), rounded(high, 4)],
    pValue,
  };
}

/**
 * Which hypotheses hold when their p-values are judged together, with at most `rate` false discoveries expected among
 * those that do (Benjamini & Hochberg, J. R. Stat. Soc. B 57, 1995, p. 293).
 */
export function discoveries(pValues: readonly number[], rate = 0.05): boolean[] {
  const sorted = pValues.map((p, index) => ({ p, index })).toSorted((a, b) => a.p - b.p);
  let last = -1;
  for (const [rank, { p }] of sorted.entries()) if (p <= (rate * (rank + 1)) / pValues.length) last = rank;
  const held = new Set(sorted.slice(0, last + 1).map(({ index }) => index));
  return pValues.map((_, index) => held.has(index));
}

/** What the rows of one training size amount to; shares are of the authors that were run. */
export function summarise(rows: readonly Row[], trainingTokens: number) {
  const own = rows.filter((row) => row.row === 'own' && row.trainingTokens === trainingTokens);
  const others = new Map(
    rows
      .filter((row) => row.row === 'other' && row.trainingTokens === trainingTokens)
      .map((row) => [row.author, row.bitsPerByte]),
  );
  const improved = discoveries(own.map(({ pValue }) => pValue));
  const harmed = discoveries(own.map(({ pValue, scale }) => (scale === 0 ? 1 : 1 - pValue)));
  const forgetting = own.flatMap((row) => (row.forgetting === undefined ? [] : [row.forgetting]));
  const onTargets = own.flatMap(({ targetGain }) => (targetGain === undefined ? [] : [targetGain]));
  const compared = own.filter(({ author }) => others.has(author));
  return {
    trainingTokens,
    authors: own.length,
    meanBpbGain: rounded(mean(own.map(({ gain }) => gain)), 4),
    ...(onTargets.length === 0 ? {} : { meanTargetBpbGain: rounded(mean(onTargets), 4) }),
    shareImprovedBpb: share(improved),
    shareHarmedBpb: share(harmed),
    // Only the largest size is compared with another author's.
    ...(compared.length === 0
      ? {}
      : { shareOwnBeatsOther: share(compared.map((row) => row.bitsPerByte < (others.get(row.author) ?? 0))) }),
    forgetting: rounded(mean(forgetting), 4),
    forgettingWorst: rounded(Math.max(...forgetting), 4),
  };
}

/**
 * What the replayed developer's nights gave, by night: beside what the authors' own adapters of so many training tokens
 * gain, over the same authors.
 */
export function summariseNights(rows: readonly Row[], trainingTokens: number) {
  const full = new Map(
    rows
      .filter((row) => row.row === 'own' && row.trainingTokens === trainingTokens)
      .map(({ author, gain }) => [author, gain]),
  );
  const byAuthor = [...full.keys()].map((author) =>
    rows.filter((row) => row.row === 'accepted' && row.author === author),
  );
  const most = Math.max(0, ...byAuthor.map((nights) => nights.length));
  return Array.from({ length: most }, (_, i) => {
    const nights = byAuthor.flatMap((own) => own[i] ?? []);
    const gain = mean(nights.map((night) => night.gain));
    return {
      authors: nights.length,
      accepted: rounded(mean(nights.map(({ accepted }) => accepted ?? 0)), 0),
      lines: rounded(mean(nights.map(({ lines }) => lines ?? 0)), 0),
      meanBpbGain: rounded(gain, 4),
      shareOfFullGain: rounded(gain / mean(nights.map(({ author }) => full.get(author) ?? 0)), 3),
    };
  });
}

function share(held: readonly boolean[]): number {
  return rounded(held.filter(Boolean).length / held.length, 3);
}
