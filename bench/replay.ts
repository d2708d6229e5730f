// npm run bench -- replay [--json] [--author mafintosh] [--other ljharb] [--days 3] [--lines 60]
// A real author's files, typed through the language server day after day; at night the server trains on the day's
// examples and its gate decides. The same days are typed with the base model, and with another author's adapter.
// Rule and measures: bench/replay/developer.ts.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { AdapterUse } from '../language-server/src/engine/adapters.ts';
import { findTrainer } from '../language-server/src/learning/trainer.ts';
import { realEngine } from '../test/lib/learning.ts';
import { createHome } from '../test/lib/server.ts';
import { type AuthorCorpus, provideCorpora } from './corpora/corpus.ts';
import { runBenchmark } from './lib/main.ts';
import { rounded, sum } from './lib/measure.ts';
import { modelPath } from './lib/product.ts';
import { createSteps, type Steps } from './personal/steps.ts';
import { cutWindows, type Tokenizer } from './personal/windows.ts';
import { liveADay, liveANight, type Workplace } from './replay/day.ts';
import { type Day, type DayTotals, placesOf } from './replay/developer.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const progress = (line: string): void => console.error(line);

await runBenchmark(async (signal) => {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      author: { type: 'string', default: 'mafintosh' },
      other: { type: 'string', default: 'ljharb' },
      days: { type: 'string', default: '3' },
      lines: { type: 'string', default: '60' },
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
  const isOver = (totals: Readonly<DayTotals>): boolean => totals.lines >= lines || signal.aborted;
  const rows: object[] = [];
  for (const track of ['base', 'personal', 'other'] as const) {
    await using home = await createHome([modelPath()]);
    const workplaceOf = ({ train }: AuthorCorpus): Workplace => ({
      ...{ home: home.path, places: placesOf(train), training: {} },
    });
    let inUse: AdapterUse | undefined;
    const learn = async (workplace: Workplace, lived: Day): Promise<string> => {
      const night = await liveANight(workplace, lived);
      progress(night.message);
      inUse = night.adapter;
      return night.outcome;
    };
    if (track === 'other') {
      // The other author works for as many days first; then their adapter serves this author's days.
      const workplace = workplaceOf(other);
      for (let day = 0; day < days; day++) await learn(workplace, await liveADay(workplace, day, isOver));
    }
    const workplace = workplaceOf(author);
    for (let day = 0; day < days; day++) {
      const lived = await liveADay(workplace, day, isOver);
      signal.throwIfAborted();
      const bitsPerByte = await measureDay(steps, engine, lived.texts, inUse);
      const night = track === 'personal' ? await learn(workplace, lived) : 'none';
      rows.push({ track, day: day + 1, ...measures(lived.totals), bitsPerByte, night });
      progress(JSON.stringify(rows.at(-1)));
    }
  }
  if (values.json) console.log(JSON.stringify({ author: author.author, other: other.author, days, lines, rows }));
  else console.table(rows);
});

/** Bits per byte of what was typed that day, under what was in use. */
async function measureDay(
  steps: Steps,
  tokenizer: Tokenizer,
  texts: readonly string[],
  adapter: AdapterUse | undefined,
): Promise<number> {
  const windows = cutWindows(texts, 1024, tokenizer);
  const lines = windows.map(({ tokens }) => ({ tokens }));
  const [losses = []] = await steps.evaluate('the day', lines, [adapter === undefined ? [] : [adapter]]);
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
