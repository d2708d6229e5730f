import type { AskModel } from '../../language-server/src/context/whenToAsk.ts';
import { mean, percentile, rounded, sum } from '../lib/measure.ts';
import { newIdentifiers } from './cases.ts';
import type { Generated } from './generate.ts';
import { asks, type PreparedCase, type RowName, rowNames } from './rows.ts';

export interface Measured {
  readonly prepared: PreparedCase;
  /** In nats; rows that were not asked for this case are absent. */
  readonly losses: Readonly<Partial<Record<RowName, number>>>;
}

type Row = ReturnType<typeof summariseRow>;

/** `crossFile`: the cases whose target has an identifier that the prompt's own text lacks and the package has elsewhere. */
export function summarise(measured: readonly Measured[], generated: readonly Generated[], model: AskModel) {
  const crossFile = measured.filter(({ prepared: { made, shown } }) => newIdentifiers(made, shown.before).length > 0);
  const rows: Row[] = rowNames.map((row) => summariseRow(row, measured, crossFile, generated, model));
  const kept = (row: RowName): number => rounded(gain(measured, row) / gain(measured, 'bm25'), 3);
  return {
    cases: measured.length,
    crossFileCases: crossFile.length,
    generatedCases: generated.length,
    rows,
    /** Bits saved by asking where it is likely to help, over those of always asking. */
    gainKept: { likely: kept('likely'), likelyInPause: kept('likelyInPause') },
    /** Of the cases with chunks, those in which they save bits; and the most that the best 30 % could keep of the gain. */
    helpedShare: rounded(measured.filter((each) => gain([each], 'bm25') > 0).length / measured.length, 3),
    bestKeptByThird: rounded(bestKept(measured, 0.3), 3),
    /** Mean of the authors' relative changes of bits per byte on the cross-file cases, and the worst of them. */
    authors: authors(crossFile),
  };
}

function summariseRow(
  row: RowName,
  measured: readonly Measured[],
  crossFile: readonly Measured[],
  generated: readonly Generated[],
  model: AskModel,
) {
  const own = measured.filter(({ losses }) => losses[row] !== undefined);
  const ownCrossFile = crossFile.filter(({ losses }) => losses[row] !== undefined);
  const searches = row !== 'base' && row !== 'recentEdits';
  const added = searches ? own.map(({ prepared }) => prepared.addedMs) : [0];
  const lines = generated.flatMap(({ rows }) => rows.filter((each) => each.row === row));
  const change = (list: readonly Measured[]): number =>
    rounded(bitsPerByte(list, row) / bitsPerByte(list, 'base') - 1, 4);
  const askedShare = own.filter(({ prepared }) => asks(row, model, prepared)).length / own.length;
  return {
    row,
    cases: own.length,
    bitsPerByte: rounded(bitsPerByte(own, row), 4),
    change: change(own),
    crossFileBitsPerByte: rounded(bitsPerByte(ownCrossFile, row), 4),
    crossFileChange: change(ownCrossFile),
    askedShare: rounded(askedShare, 3),
    addedP50Ms: rounded(percentile(added, 0.5), 2),
    addedP95Ms: rounded(percentile(added, 0.95), 2),
    exactMatch: rounded(mean(lines.map(({ exact }) => (exact ? 1 : 0))), 3),
    editSimilarity: rounded(mean(lines.map(({ similarity }) => similarity)), 3),
  };
}

function lossOf({ losses }: Measured, row: RowName): number {
  return losses[row] ?? Number.NaN;
}

function gain(measured: readonly Measured[], row: RowName): number {
  return sum(measured.map((each) => lossOf(each, 'base') - lossOf(each, row)));
}

/** Of the gain of always asking, what the given share of the cases, had it been known which, would keep. */
function bestKept(measured: readonly Measured[], share: number): number {
  const gains = measured.map((each) => gain([each], 'bm25')).toSorted((a, b) => b - a);
  return sum(gains.slice(0, Math.floor(gains.length * share))) / sum(gains);
}

/** Of the target and its line end. */
function bitsPerByte(measured: readonly Measured[], row: RowName): number {
  const bytes = sum(measured.map(({ prepared }) => Buffer.byteLength(prepared.made.target) + 1));
  return sum(measured.map((each) => lossOf(each, row))) / Math.LN2 / bytes;
}

function authors(crossFile: readonly Measured[]) {
  const names = [...new Set(crossFile.map(({ prepared }) => prepared.made.author))];
  const changes = names.map((author) => {
    const own = crossFile.filter(({ prepared }) => prepared.made.author === author);
    const base = bitsPerByte(own, 'base');
    return {
      author,
      cases: own.length,
      bm25: rounded(bitsPerByte(own, 'bm25') / base - 1, 4),
      likely: rounded(bitsPerByte(own, 'likely') / base - 1, 4),
      likelyInPause: rounded(bitsPerByte(own, 'likelyInPause') / base - 1, 4),
    };
  });
  return {
    meanBm25: rounded(mean(changes.map(({ bm25 }) => bm25)), 4),
    meanLikely: rounded(mean(changes.map(({ likely }) => likely)), 4),
    meanLikelyInPause: rounded(mean(changes.map(({ likelyInPause }) => likelyInPause)), 4),
    worst: Math.max(...changes.flatMap(({ likely, likelyInPause }) => [likely, likelyInPause])),
    changes,
  };
}
