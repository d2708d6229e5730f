import { shippedAskModel } from '../../language-server/src/context/askModel.ts';
import type { Engine } from '../../language-server/src/engine/engine.ts';
import type { TrainerHost } from '../../language-server/src/learning/trainer.ts';
import type { AuthorCorpus } from '../corpora/corpus.ts';
import { mean, rounded, sum } from '../lib/measure.ts';
import { modelPath } from '../lib/product.ts';
import { chooseScale, trainOn } from '../personal/ownAdapter.ts';
import { createSteps, personalCache } from '../personal/steps.ts';
import type { LossMeter } from './loss.ts';
import type { Measured } from './report.ts';
import { questionOf, type RowName, snippetsOf } from './rows.ts';

/** Of the author's valid split, to choose the adapter's scale on; as `bench -- personalisation` has it, which shares the cache. */
const validTokens = 5000;

/** Each is measured without and with the author's own adapter. */
const rows = ['base', 'recentEdits', 'bm25', 'everything'] as const satisfies readonly RowName[];

/** Of one author's cases, in nats: by the base's prompt without the adapter, by the row's without and with it. */
interface AuthorLosses {
  readonly author: string;
  readonly row: (typeof rows)[number];
  readonly cases: number;
  readonly base: number;
  readonly without: number;
  readonly with: number;
}

interface PersonalDeps {
  readonly host: TrainerHost;
  readonly corpora: readonly AuthorCorpus[];
  /** That each author's adapter is trained on, of older packages. */
  readonly tokens: number;
  readonly threads: number;
  readonly meter: LossMeter;
  readonly engine: Engine;
  readonly measured: readonly Measured[];
}

/** What each row saves of the bits of its cases without and with the author's own adapter, of all and by author. */
export async function measurePersonal(deps: PersonalDeps, signal: AbortSignal) {
  const { host, corpora, tokens, threads, meter, engine, measured } = deps;
  const steps = createSteps({
    host,
    model: modelPath(),
    cache: personalCache,
    threads,
    signal,
    progress: console.error,
  });
  const found: AuthorLosses[] = [];
  const scales: Record<string, number> = {};
  for (const corpus of corpora) {
    const { author } = corpus;
    const all = measured.filter(({ prepared }) => prepared.made.author === author);
    if (all.length === 0) continue;
    const path = await trainOn(steps, corpus, tokens, engine);
    const scale = await chooseScale(steps, corpus, validTokens, path, engine);
    scales[author] = scale;
    for (const row of rows) {
      const own = all.filter(({ losses }) => losses[row] !== undefined);
      const questions = own.map(({ prepared }) =>
        questionOf(engine, prepared, snippetsOf(row, prepared, shippedAskModel)),
      );
      const learnt = await meter.measure(questions, signal, scale === 0 ? [] : [{ path, scale }]);
      const of = (name: RowName): number => sum(own.map(({ losses }) => losses[name] ?? Number.NaN));
      found.push({ author, row, cases: own.length, base: of('base'), without: of(row), with: sum(learnt) });
    }
  }
  return { tokens, scales, rows: rows.map((row) => summariseRow(row, found)) };
}

function summariseRow(row: AuthorLosses['row'], found: readonly AuthorLosses[]) {
  const authors = found.filter((each) => each.row === row && each.cases > 0);
  const change = (of: 'without' | 'with') => {
    const each = authors.map((one) => [one.author, rounded(one[of] / one.base - 1, 4)] as const);
    return {
      change: rounded(sum(authors.map((one) => one[of])) / sum(authors.map(({ base }) => base)) - 1, 4),
      meanOfAuthors: rounded(mean(each.map(([, value]) => value)), 4),
      authors: Object.fromEntries(each),
    };
  };
  return { row, cases: sum(authors.map(({ cases }) => cases)), without: change('without'), with: change('with') };
}
