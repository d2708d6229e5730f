// npm run bench -- retrieval [--json] [--cases N] [--from N] [--edits N] [--generate N] [--manifest FILE] [--seconds N] [--threads N] [--typed N] [--split test]
//   [--personal TOKENS] [--fit]
// Cross-file completion: lines of the authors' newest packages, with the rest of each package as the repository. Needs the
// trainer (npm run build:native), which computes the losses; they are kept, so that a run that is stopped, or that did only
// the cases from N on, makes a later one of all cases quick.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { featureNames } from '../language-server/src/context/askFeatures.ts';
import { shippedAskModel } from '../language-server/src/context/askModel.ts';
import { type AskSample, fitWeights, thresholdFor } from '../language-server/src/context/whenToAsk.ts';
import type { Engine } from '../language-server/src/engine/engine.ts';
import { type Chunker, createChunker } from '../language-server/src/indexing/grammars.ts';
import { findTrainer } from '../language-server/src/learning/trainer.ts';
import { cacheFolder } from '../scripts/setup/cache.mjs';
import { provideCorpora } from './corpora/corpus.ts';
import { runBenchmark } from './lib/main.ts';
import { rounded } from './lib/measure.ts';
import { modelPath } from './lib/product.ts';
import { openPromptEngine } from './lib/promptEngine.ts';
import { type RetrievalCase, retrievalCases, type Split } from './retrieval/cases.ts';
import { generateLines } from './retrieval/generate.ts';
import { createLossMeter, type LossMeter } from './retrieval/loss.ts';
import { measurePersonal } from './retrieval/personal.ts';
import { type Measured, summarise } from './retrieval/report.ts';
import { editRows, type PreparedCase, prepareCase, questionOf, rowNames, snippetsOf } from './retrieval/rows.ts';
import { measureTyped, questionsOf } from './retrieval/typedGain.ts';
import { summariseTyping } from './retrieval/typedReport.ts';
import { type TypedFile, typeFile } from './retrieval/typing.ts';

const splitSchema = z.enum(['train', 'valid', 'test']);
/** Of an author, to find files in. */
const manyCases = 150;
const block = 50;
/** Of the cases, where the prompt is waited for. */
const waitedShare = 0.3;
/** Places of each file that is typed. */
const typedPlaces = 8;

await runBenchmark(async (signal) => {
  const { values: options } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      cases: { type: 'string', default: '1000' },
      from: { type: 'string', default: '0' },
      edits: { type: 'string', default: '200' },
      generate: { type: 'string', default: '60' },
      manifest: { type: 'string' },
      seconds: { type: 'string', default: '36000' },
      threads: { type: 'string', default: '2' },
      typed: { type: 'string', default: '4' },
      split: { type: 'string', default: 'test' },
      personal: { type: 'string', default: '0' },
      fit: { type: 'boolean', default: false },
    },
  });
  const progress = (line: string): void => console.error(line);
  const host = findTrainer(dirname(dirname(fileURLToPath(import.meta.url))), process.platform, process.arch);
  if ('missing' in host) throw new Error(host.missing);
  const corpora = await provideCorpora({ manifest: options.manifest, progress });
  const each = Math.ceil(Number(options.cases) / corpora.length);
  const chunker = createChunker(progress);
  await using engine = await openPromptEngine(modelPath(), 1024);
  const threads = Number(options.threads);
  const cacheFile = join(cacheFolder(), 'bench-retrieval', 'losses.jsonl');
  const meter = await createLossMeter(host, modelPath(), cacheFile, threads, progress);
  const prepare = async (split: Split): Promise<PreparedCase[]> => {
    const prepared: PreparedCase[] = [];
    for (const made of byTurns(retrievalCases(corpora, split, each), ({ author }) => author)) {
      prepared.push(await prepareCase(engine, chunker, made));
    }
    return prepared;
  };
  const deadline = performance.now() + Number(options.seconds) * 1000;

  if (options.fit) {
    const samples: AskSample[] = [];
    for (const split of ['train', 'valid'] as const) {
      samples.push(...(await gains(engine, meter, await prepare(split), signal)));
    }
    const weights = fitWeights(samples).map((weight) => rounded(weight, 3));
    const threshold = rounded(thresholdFor(weights, samples, waitedShare), 3);
    console.log(JSON.stringify({ samples: samples.length, features: featureNames, weights, threshold }));
    return;
  }

  const prepared = await prepare('test');
  const measured: Measured[] = [];
  for (let at = Number(options.from); at < prepared.length && performance.now() < deadline; at += block) {
    const some = prepared.slice(at, at + block);
    const asked = some.flatMap((prepared, i) =>
      rowNames
        .filter((row) => !editRows.has(row) || at + i < Number(options.edits))
        .map((row) => ({
          prepared,
          row,
          question: questionOf(engine, prepared, snippetsOf(row, prepared, shippedAskModel)),
        })),
    );
    const losses = await meter.measure(
      asked.map(({ question }) => question),
      signal,
    );
    for (const one of some) {
      const rows = asked.flatMap(({ prepared, row }, i) => (prepared === one ? [[row, losses[i] ?? Number.NaN]] : []));
      measured.push({ prepared: one, losses: Object.fromEntries(rows) });
    }
  }
  const generated = await generateLines(measured.slice(0, Number(options.generate)), deadline, signal, progress);
  const typing = await measureTyping(
    engine,
    chunker,
    meter,
    filesOf(retrievalCases(corpora, splitSchema.parse(options.split), manyCases), Number(options.typed)),
    signal,
  );
  const tokens = Number(options.personal);
  const personal =
    tokens > 0 ? await measurePersonal({ host, corpora, tokens, threads, meter, engine, measured }, signal) : undefined;
  const result = { ...summarise(measured, generated, shippedAskModel), personal, typing };
  if (options.json) console.log(JSON.stringify(result));
  else {
    console.table(result.rows);
    const { rows: _, ...rest } = result;
    console.dir(rest, { depth: 4 });
  }
});

/** Types into each case's file with and without the index, and measures both and always asking at places of the first. */
async function measureTyping(
  engine: Engine,
  chunker: Chunker,
  meter: LossMeter,
  cases: readonly RetrievalCase[],
  signal: AbortSignal,
) {
  const withIndex: TypedFile[] = [];
  const without: TypedFile[] = [];
  for (const made of cases) {
    signal.throwIfAborted();
    withIndex.push(await typeFile(engine, chunker, made, true));
    without.push(await typeFile(engine, chunker, made, false));
  }
  const places = withIndex.flatMap((file) => questionsOf(engine, file, typedPlaces));
  return summariseTyping(withIndex, without, await measureTyped(meter, places, signal));
}

/** The first cases of each author that lie in different files. */
function filesOf(cases: readonly RetrievalCase[], each: number): RetrievalCase[] {
  const files = [...new Map(cases.toReversed().map((made) => [`${made.package}/${made.path}`, made])).values()];
  return byTurns(files.toReversed(), ({ author }) => author).filter(
    ({ author }, i, all) => all.slice(0, i).filter((other) => other.author === author).length < each,
  );
}

/** Bits that chunks save, case by case, without a decision whether to ask. */
async function gains(
  engine: Engine,
  meter: LossMeter,
  prepared: readonly PreparedCase[],
  signal: AbortSignal,
): Promise<AskSample[]> {
  const used = prepared.filter(({ chosen }) => chosen.length > 0);
  const losses = await meter.measure(
    used.flatMap((one) =>
      (['base', 'bm25'] as const).map((row) => questionOf(engine, one, snippetsOf(row, one, shippedAskModel))),
    ),
    signal,
  );
  return used.map(({ features }, i) => ({
    features,
    gain: ((losses[2 * i] ?? 0) - (losses[2 * i + 1] ?? 0)) / Math.LN2,
  }));
}

/** One of each author, then the next of each, so that a part of the run is a part of all. */
function byTurns<T>(list: readonly T[], key: (item: T) => string): T[] {
  const seen = new Map<string, number>();
  return list
    .map((item) => {
      const turn = seen.get(key(item)) ?? 0;
      seen.set(key(item), turn + 1);
      return { item, turn };
    })
    .toSorted((a, b) => a.turn - b.turn)
    .map(({ item }) => item);
}
