// npm run bench -- replay [--json] [--author mafintosh] [--other ljharb] [--days 3] [--lines 60] [--rate 0.001]
// A real author's files, typed through the language server day after day; at night the server trains on the day's
// examples and its gate decides. The same days are typed with the base model, and with another author's adapter.
// Rule and measures: bench/replay/developer.ts.
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { learningStateRequest, trainNowRequest } from '#protocol/learningRuns.ts';
import type { Example } from '../language-server/src/learning/example.ts';
import { findTrainer } from '../language-server/src/learning/trainer.ts';
import { openUserStore } from '../language-server/src/store/userStore.ts';
import { connectTo } from '../test/lib/client.ts';
import { realEngine } from '../test/lib/learning.ts';
import { createHome, startServer } from '../test/lib/server.ts';
import { type AuthorCorpus, provideCorpora, type SourceFile } from './corpora/corpus.ts';
import { runBenchmark } from './lib/main.ts';
import { rounded, sum } from './lib/measure.ts';
import { modelPath } from './lib/product.ts';
import { createSteps, type Steps } from './personal/steps.ts';
import { cutWindows } from './personal/windows.ts';
import { type DayTotals, typeDay } from './replay/developer.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const progress = (line: string): void => console.error(line);

interface Night {
  readonly outcome: string;
  readonly adapter?: { readonly path: string; readonly scale: number };
}

await runBenchmark(async (signal) => {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      author: { type: 'string', default: 'mafintosh' },
      other: { type: 'string', default: 'ljharb' },
      days: { type: 'string', default: '3' },
      lines: { type: 'string', default: '60' },
      rate: { type: 'string', default: '0.001' },
    },
  });
  const host = findTrainer(root, process.platform, process.arch);
  if ('missing' in host) throw new Error(host.missing);
  const [author, other] = await provideCorpora({ authors: [values.author, values.other], progress });
  if (author === undefined || other === undefined) throw new Error('Name two authors of the manifest.');
  await using engine = await realEngine(modelPath());
  const steps = createSteps({
    ...{ host, model: modelPath(), cache: join(root, '.cache', 'replay'), threads: 1, signal, progress },
  });
  const [days, lines] = [Number(values.days), Number(values.lines)];
  const rows = [];
  for (const track of ['base', 'personal', 'other'] as const) {
    const corpus = track === 'other' ? other : author;
    await using home = await createHome([modelPath()]);
    let night: Night = { outcome: 'none' };
    if (track === 'other') {
      // The other author works for as many days first; then their adapter serves this author's days.
      for (let day = 0; day < days; day++)
        night = await liveADay(home.path, corpus, day, lines, true, values.rate).then((each) => each.night);
    }
    for (let day = 0; day < days; day++) {
      const before = night.adapter;
      const lived = await liveADay(home.path, author, day, lines, track === 'personal', values.rate);
      const bitsPerByte = await measureDay(steps, engine, dayFiles(author, day, lines), lines, before);
      rows.push({ track, day: day + 1, ...measures(lived.totals), bitsPerByte, night: lived.night.outcome });
      progress(JSON.stringify(rows.at(-1)));
      if (track === 'personal') night = lived.night;
    }
  }
  if (values.json) console.log(JSON.stringify({ author: author.author, other: other.author, days, lines, rows }));
  else console.table(rows);
});

/** Morning to night: a server of its own types with what was learnt so far; at night examples are stored and learnt from. */
async function liveADay(home: string, corpus: AuthorCorpus, day: number, lines: number, learns: boolean, rate: string) {
  const env = { ARGOT_TRAINING: JSON.stringify({ leastExamples: 12, learningRate: Number(rate), tickMs: 1e9 }) };
  const settings = { model: modelPath(), gpu: 'off', training: 'manual' };
  let examples: readonly Example[];
  let totals: DayTotals;
  {
    await using server = await startServer({ home, env });
    await using client = await connectTo(server, { settings });
    await client.statuses.until(({ state }) => state === 'ready', 60_000);
    const about = { firstMs: Date.UTC(2026, 0, 1 + day), prefix: `${corpus.author}-${day}` };
    ({ examples, totals } = await typeDay(client, dayFiles(corpus, day, lines), lines, about));
  }
  if (!learns) return { totals, night: { outcome: 'none' } satisfies Night };
  {
    await using user = await openUserStore(home, new AbortController().signal);
    for (const example of examples) await user.store.add(example);
  }
  await using server = await startServer({ home, env });
  await using client = await connectTo(server, { settings });
  await client.statuses.until(({ state }) => state === 'ready', 60_000);
  const result = await client.connection.sendRequest(trainNowRequest, null);
  const active = (await client.connection.sendRequest(learningStateRequest, null)).versions.find(
    ({ scale }) => scale !== undefined,
  );
  progress(result.message);
  if (active?.scale === undefined) return { totals, night: { outcome: result.kind } satisfies Night };
  // Measured after the server's home is gone, under a name that is its own.
  const path = join(root, '.cache', 'replay', `${active.id}.gguf`);
  await mkdir(dirname(path), { recursive: true });
  await cp(join(home, 'adapters', `${active.id}.gguf`), path);
  const night: Night = { outcome: result.kind, adapter: { path, scale: active.scale } };
  return { totals, night };
}

/** A day's files: as many lines, from the oldest package on, no file in two days. */
function dayFiles(corpus: AuthorCorpus, day: number, lines: number): readonly SourceFile[] {
  let skipped = 0;
  let from = 0;
  while (from < corpus.train.length && skipped < day * lines) skipped += typedLines(corpus.train[from++]);
  return corpus.train.slice(from);
}

function typedLines(file: SourceFile | undefined): number {
  return (file?.text ?? '').split('\n').filter((line) => line.trim() !== '').length;
}

/** Bits per byte of the day's text, under what was active in the morning. */
async function measureDay(
  steps: Steps,
  engine: Parameters<typeof cutWindows>[2],
  files: readonly SourceFile[],
  lines: number,
  adapter: Night['adapter'],
): Promise<number> {
  const texts: string[] = [];
  for (let left = lines; left > 0 && texts.length < files.length; left -= typedLines(files[texts.length - 1])) {
    texts.push(
      (files[texts.length]?.text ?? '')
        .split('\n')
        .slice(0, left * 2)
        .join('\n'),
    );
  }
  const windows = cutWindows(texts, 1024, engine);
  const stack = adapter === undefined ? [] : [adapter];
  const [losses = []] = await steps.evaluate(
    'the day',
    windows.map(({ tokens }) => ({ tokens })),
    [stack],
  );
  return rounded(sum(losses) / Math.LN2 / sum(windows.map(({ bytes }) => bytes)), 4);
}

function measures(totals: DayTotals) {
  const { lines, exactLines, shown, accepted, partial, characters, kept, keystrokes } = totals;
  return {
    lines,
    acceptanceRate: rounded((accepted + partial) / Math.max(1, shown), 3),
    keptCharacters: rounded(kept / characters, 3),
    keystrokesSaved: rounded(1 - keystrokes / (characters + lines), 3),
    nextLineExact: rounded(exactLines / lines, 3),
  };
}
