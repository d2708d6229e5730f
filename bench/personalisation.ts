// npm run bench -- personalisation [--json] [--manifest FILE] [--authors a,b] [--sizes 5000,20000] [--cases N]
//   [--accepted 20,100] [--minutes N]
// What an adapter trained on an author's own code gains on the author's later packages, beside the base model and another
// author's adapter. What is computed is kept in .cache/personalisation: a run that is stopped, or that --minutes cuts,
// goes on where it was. One author is finished after another; prints those that are.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { AdapterUse } from '../language-server/src/engine/adapters.ts';
import { findTrainer } from '../language-server/src/learning/trainer.ts';
import { repository } from '../scripts/setup/repository.mjs';
import { realEngine } from '../test/lib/learning.ts';
import { type AuthorCorpus, provideCorpora } from './corpora/corpus.ts';
import { runBenchmark } from './lib/main.ts';
import { rounded, sum } from './lib/measure.ts';
import { modelPath } from './lib/product.ts';
import { type AuthorCases, authorCases, summariseCases } from './personal/caseRows.ts';
import { bitsPerByte, type Losses, makeRow, type Row, summarise, summariseNights } from './personal/measure.ts';
import { chooseScale, linesOf, recipe, testWindows, trainingWindows, trainOn } from './personal/ownAdapter.ts';
import { probeWindows } from './personal/probe.ts';
import { type ReplayedNight, replayedNights } from './personal/replayed.ts';
import { createSteps, personalCache, type Steps } from './personal/steps.ts';
import { type PredictedText, targetsOf } from './personal/targets.ts';
import type { Tokenizer, Window } from './personal/windows.ts';

/** Lines of each author on whose targets the loss is measured. */
const targetCases = 150;

interface Study {
  readonly steps: Steps;
  readonly everybody: readonly Window[];
  readonly pooledTokens: number;
  readonly tokenizer: Tokenizer;
  readonly testTokens: number;
  readonly validTokens: number;
}

await runBenchmark(async (stopping) => {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      manifest: { type: 'string' },
      authors: { type: 'string' },
      sizes: { type: 'string', default: '5000,20000' },
      /** Lines completed for each author, by each of four rows. */
      cases: { type: 'string', default: '150' },
      /** In how many lines the replayed developer has accepted suggestions; a night after each count. */
      accepted: { type: 'string', default: '' },
      minutes: { type: 'string', default: '600' },
      threads: { type: 'string', default: String(availableParallelism()) },
      'test-tokens': { type: 'string', default: '9000' },
      'valid-tokens': { type: 'string', default: '5000' },
    },
  });
  const cases = Number(values.cases);
  const accepted = values.accepted.split(',').filter(Boolean).map(Number);
  const sizes = values.sizes.split(',').map(Number);
  const [smallest, largest] = [Math.min(...sizes), Math.max(...sizes)];
  const threads = Number(values.threads);
  const corpora = await provideCorpora({ manifest: values.manifest, progress: console.error });
  const chosen = values.authors?.split(',') ?? corpora.map(({ author }) => author);
  const host = findTrainer(repository, process.platform, process.arch);
  if ('missing' in host) throw new Error(host.missing);
  await using engine = await realEngine(modelPath());
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(Number(values.minutes) * 60_000)]);
  const steps = createSteps({
    ...{ host, model: modelPath(), cache: personalCache },
    ...{ threads, signal, progress: console.error },
  });
  const study: Study = {
    ...{ steps, tokenizer: engine },
    everybody: corpora.flatMap((each) => trainingWindows(each, smallest, engine)),
    pooledTokens: smallest * corpora.length,
    testTokens: Number(values['test-tokens']),
    validTokens: Number(values['valid-tokens']),
  };
  const rows: Row[] = [];
  const completed: AuthorCases[] = [];
  const caseDeps = { engine, cache: personalCache, cases, phraseTokens: largest, signal, progress: console.error };
  try {
    for (const author of chosen) {
      const index = corpora.findIndex((each) => each.author === author);
      const [corpus, other] = [corpora[index], corpora[(index + 1) % corpora.length]];
      if (corpus === undefined || other === undefined) throw new Error(`There is no author “${author}”.`);
      const nights = await replayedNights(
        { cache: personalCache, threads, signal, progress: console.error },
        corpus,
        accepted,
      );
      const own = await authorRows(study, corpus, other, sizes, nights);
      if (cases > 0) completed.push(await authorCases(caseDeps, corpus, own.adapter));
      rows.push(...own.rows);
      console.error(`${author} is complete.`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    console.error('Stopped: what is complete is printed; run the same command again to go on.');
  }
  const summaries = sizes.map((size) => summarise(rows, size));
  const lineCases = completed.length === 0 ? {} : summariseCases(completed);
  const nights = summariseNights(rows, largest);
  if (values.json) console.log(JSON.stringify({ ...summaries.at(-1), ...lineCases, sizes: summaries, nights, rows }));
  else {
    console.table(rows.map(({ gainCi, ...row }) => ({ ...row, gainCi: gainCi.join(' to ') })));
    console.table(summaries);
    console.table(nights);
    if ('caseRows' in lineCases) console.table(lineCases.caseRows);
  }
});

/**
 * The base model, the author's own adapters, the next author's largest at the scale of the own one, what the replayed
 * developer's nights left in use, and one adapter of all authors' code, of each as much as the smallest own one has.
 */
async function authorRows(
  study: Study,
  corpus: AuthorCorpus,
  other: AuthorCorpus,
  sizes: readonly number[],
  nights: readonly ReplayedNight[],
): Promise<{ readonly rows: readonly Row[]; readonly adapter: readonly AdapterUse[] }> {
  const { steps, tokenizer } = study;
  const { author } = corpus;
  const textOf = (windows: readonly Window[]) => ({
    lines: linesOf(windows),
    bytes: sum(windows.map((window) => window.bytes)),
  });
  const test = textOf(testWindows(corpus, study.testTokens, tokenizer));
  const probe = textOf(probeWindows(tokenizer));
  const targets = targetsOf(corpus.cases.slice(0, targetCases), tokenizer);
  const measured = async (name: string, text: PredictedText, path?: string, scale = 1): Promise<Losses> => {
    const stack = path === undefined || scale === 0 ? [] : [{ path, scale }];
    const [nats = []] = await steps.evaluate(name, text.lines, [stack]);
    return { nats, bytes: text.bytes };
  };
  const targetBase = await measured(`${author}, targets, base`, targets);
  const onTargets = (losses: Losses) => ({
    targetBitsPerByte: rounded(bitsPerByte(losses), 4),
    targetGain: rounded(1 - bitsPerByte(losses) / bitsPerByte(targetBase), 4),
  });
  const scaleOf = (path: string) => chooseScale(steps, corpus, study.validTokens, path, tokenizer);
  const base = await measured(`${author}, base`, test);
  const probeBase = sum((await measured('probe, base', probe)).nats);
  let adapter: readonly AdapterUse[] = [];
  const rows: Row[] = [
    makeRow({ author, row: 'base', trainingTokens: 0, scale: 0, ...onTargets(targetBase) }, base, base),
  ];
  for (const trainingTokens of sizes) {
    const path = await trainOn(steps, corpus, trainingTokens, tokenizer);
    const scale = await scaleOf(path);
    const losses = await measured(`${author}, ${trainingTokens}`, test, path, scale);
    const forgetting = sum((await measured(`${author}, probe`, probe, path, scale)).nats) / probeBase - 1;
    const onLines = onTargets(await measured(`${author}, targets, ${trainingTokens}`, targets, path, scale));
    rows.push(makeRow({ author, row: 'own', trainingTokens, scale, forgetting, ...onLines }, base, losses));
    if (trainingTokens === Math.max(...sizes)) {
      adapter = scale === 0 ? [] : [{ path, scale }];
      const foreign = await measured(
        `${author}, other`,
        test,
        await trainOn(steps, other, trainingTokens, tokenizer),
        scale,
      );
      rows.push(makeRow({ author, row: 'other', trainingTokens, scale }, base, foreign));
    }
  }
  for (const { accepted, lines: typed, adapter: learnt } of nights) {
    const scale = learnt?.scale ?? 0;
    const losses = await measured(`${author}, ${accepted} accepted`, test, learnt?.path, scale);
    rows.push(makeRow({ author, row: 'accepted', trainingTokens: 0, accepted, lines: typed, scale }, base, losses));
  }
  const pooled = await steps.train('everybody', linesOf(study.everybody), recipe(study.pooledTokens));
  const scale = await scaleOf(pooled);
  const losses = await measured(`${author}, pooled`, test, pooled, scale);
  rows.push(makeRow({ author, row: 'pooled', trainingTokens: study.pooledTokens, scale }, base, losses));
  return { rows, adapter };
}
