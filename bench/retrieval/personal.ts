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
import { questionOf, snippetsOf } from './rows.ts';

/** Of the author's valid split, to choose the adapter's scale on; as `bench -- personalisation` has it, which shares the cache. */
const validTokens = 5000;

interface AuthorLosses {
  readonly author: string;
  readonly cases: number;
  readonly scale: number;
  readonly nats: Readonly<Record<'base' | 'bm25' | 'personal' | 'both', number>>;
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

/** What chunks, the author's own adapter and both save of the bits of the same cases, of all and by author. */
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
  const authors: AuthorLosses[] = [];
  for (const corpus of corpora) {
    const own = measured.filter(({ prepared }) => prepared.made.author === corpus.author);
    if (own.length === 0) continue;
    const path = await trainOn(steps, corpus, tokens, engine);
    const scale = await chooseScale(steps, corpus, validTokens, path, engine);
    const adapters = scale === 0 ? [] : [{ path, scale }];
    const losses = async (row: 'base' | 'bm25'): Promise<number> => {
      const questions = own.map(({ prepared }) =>
        questionOf(engine, prepared, snippetsOf(row, prepared, shippedAskModel)),
      );
      return sum(await meter.measure(questions, signal, adapters));
    };
    const of = (row: 'base' | 'bm25'): number => sum(own.map((each) => each.losses[row] ?? Number.NaN));
    const nats = { base: of('base'), bm25: of('bm25'), personal: await losses('base'), both: await losses('bm25') };
    authors.push({ author: corpus.author, cases: own.length, scale, nats });
  }
  const changeOf = (row: keyof AuthorLosses['nats']) => {
    const total = (of: 'base' | typeof row): number => sum(authors.map(({ nats }) => nats[of]));
    const each = authors.map(({ author, nats }) => [author, rounded(nats[row] / nats.base - 1, 4)] as const);
    return {
      change: rounded(total(row) / total('base') - 1, 4),
      meanOfAuthors: rounded(mean(each.map(([, change]) => change)), 4),
      authors: Object.fromEntries(each),
    };
  };
  return {
    tokens,
    cases: sum(authors.map(({ cases }) => cases)),
    scales: Object.fromEntries(authors.map(({ author, scale }) => [author, scale])),
    bm25: changeOf('bm25'),
    personal: changeOf('personal'),
    both: changeOf('both'),
  };
}
