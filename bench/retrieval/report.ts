import type { AskModel } from '../../language-server/src/context/whenToAsk.ts';
import { mean, percentile, rounded, sum } from '../lib/measure.ts';
import { newIdentifiers } from './cases.ts';
import type { Generated } from './generate.ts';
import type { Reuse } from './reuse.ts';
import { asked, type PreparedCase, type RowName, rowNames } from './rows.ts';

export interface Measured {
  readonly prepared: PreparedCase;
  /** In nats, in the order of `rowNames`. */
  readonly losses: readonly number[];
}

type Row = ReturnType<typeof summariseRow>;

/** `crossFile`: the cases whose target has an identifier that the prompt's own text lacks and the package has elsewhere. */
export function summarise(
  measured: readonly Measured[],
  generated: readonly Generated[],
  reuse: { readonly without: Reuse; readonly with: Reuse },
  model: AskModel,
) {
  const crossFile = measured.filter(({ prepared: { made, shown } }) => newIdentifiers(made, shown.before).length > 0);
  const rows: Row[] = rowNames.map((row) => summariseRow(row, measured, crossFile, generated, model));
  const share = ({ promptTokens, reusedTokens }: Reuse): number => rounded(reusedTokens / promptTokens, 4);
  const [always, decided] = [gain(measured, 'bm25'), gain(measured, 'everything')];
  return {
    cases: measured.length,
    crossFileCases: crossFile.length,
    generatedCases: generated.length,
    rows,
    /** Bits saved by asking where it is likely to help, over those of always asking; recent edits take the place otherwise. */
    gainKeptShare: rounded(decided / always, 3),
    /** Mean of the authors' relative changes of bits per byte on the cross-file cases, and the worst of them. */
    authors: authors(crossFile),
    reusedShareWithout: share(reuse.without),
    reusedShareWith: share(reuse.with),
    preparedTokensPerRequest: [reuse.without, reuse.with].map(({ preparedTokens, requests }) =>
      rounded(preparedTokens / requests, 2),
    ),
    askedShareWhileTyping: rounded(reuse.with.askedRequests / reuse.with.requests, 3),
  };
}

function summariseRow(
  row: RowName,
  measured: readonly Measured[],
  crossFile: readonly Measured[],
  generated: readonly Generated[],
  model: AskModel,
) {
  const added = row === 'base' || row === 'recentEdits' ? [0] : measured.map(({ prepared }) => prepared.addedMs);
  const lines = generated.flatMap(({ rows }) => rows.filter((each) => each.row === row));
  const change = (list: readonly Measured[]): number =>
    rounded(bitsPerByte(list, row) / bitsPerByte(list, 'base') - 1, 4);
  const askedShare =
    row === 'bm25'
      ? measured.filter(({ prepared }) => prepared.chosen.length > 0).length / measured.length
      : row === 'everything'
        ? measured.filter(({ prepared }) => asked(model, prepared)).length / measured.length
        : 0;
  return {
    row,
    bitsPerByte: rounded(bitsPerByte(measured, row), 4),
    change: change(measured),
    crossFileBitsPerByte: rounded(bitsPerByte(crossFile, row), 4),
    crossFileChange: change(crossFile),
    askedShare: rounded(askedShare, 3),
    addedP50Ms: rounded(percentile(added, 0.5), 2),
    addedP95Ms: rounded(percentile(added, 0.95), 2),
    exactMatch: rounded(mean(lines.map(({ exact }) => (exact ? 1 : 0))), 3),
    editSimilarity: rounded(mean(lines.map(({ similarity }) => similarity)), 3),
  };
}

function lossOf({ losses }: Measured, row: RowName): number {
  return losses[rowNames.indexOf(row)] ?? Number.NaN;
}

function gain(measured: readonly Measured[], row: RowName): number {
  return sum(measured.map((each) => lossOf(each, 'base') - lossOf(each, row)));
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
      everything: rounded(bitsPerByte(own, 'everything') / base - 1, 4),
    };
  });
  return {
    meanBm25: rounded(mean(changes.map(({ bm25 }) => bm25)), 4),
    meanEverything: rounded(mean(changes.map(({ everything }) => everything)), 4),
    worstEverything: Math.max(...changes.map(({ everything }) => everything)),
    changes,
  };
}
