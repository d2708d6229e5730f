// npm run bench -- store [--json] [--count N]
// The store of examples: start, insertion with fsync, search, deletion and memory at 50,000 examples: docs/benchmarks.md.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { contentHashOf, type Example, exampleKinds, kindWeights } from '../language-server/src/learning/example.ts';
import { openExampleStore } from '../language-server/src/store/createExampleStore.ts';
import { nodeFileSystem } from '../language-server/src/store/fileSystem.ts';
import { loadSqlite } from '../language-server/src/store/sqlite.ts';
import { runBenchmark } from './lib/main.ts';
import { percentile, rounded } from './lib/measure.ts';
import { createRandom } from './lib/random.ts';

/** Lines of an example's window. */
const windowLines = 30;
const starts = 5;
const inserted = 2_000;

await runBenchmark(async (signal) => {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      count: { type: 'string', default: '50000' },
      /** Internal: opens the store in this folder in a process of its own and prints what that cost. */
      open: { type: 'string' },
    },
  });
  if (values.open !== undefined) return measureOpen(values.open, signal);

  const folder = await mkdtemp(join(tmpdir(), 'argot-store-'));
  try {
    const result = await measure(join(folder, 'store'), Number(values.count), signal);
    console.log(
      values.json
        ? JSON.stringify(result, undefined, 2)
        : Object.entries(result)
            .map((row) => row.join(': '))
            .join('\n'),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

async function measure(folder: string, count: number, signal: AbortSignal) {
  const sql = await loadSqlite();
  const examples = await exampleSource();
  const insertMs: number[] = [];
  const { store } = await openExampleStore({ folder, files: nodeFileSystem, sql }, signal);
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted();
    const example = examples(i);
    const began = performance.now();
    const outcome = await store.add(example);
    insertMs.push(performance.now() - began);
    if (outcome.kind !== 'added') throw new Error(`Example ${i} was not added: ${outcome.kind}.`);
    if (i % 10_000 === 0) console.error(`${i} of ${count} examples…`);
  }
  const atFull = insertMs.slice(-inserted);
  const searchMs = await timed(() => store.list({ search: 'nowhere to be found' }, signal));
  const pageMs = await timed(() => store.list({ limit: 100 }, signal));
  const deleteMs = await timed(() => store.delete(['bench-10', `bench-${count - 10}`]));
  await store[Symbol.asyncDispose]();

  const opened = [];
  for (let i = 0; i < starts; i++) opened.push(await openInProcess(folder));
  await rm(join(folder, 'index.db'));
  const withoutIndex = await openInProcess(folder);
  return {
    startMs: rounded(
      percentile(
        opened.map(({ startMs }) => startMs),
        0.5,
      ),
      0,
    ),
    insertP95Ms: rounded(percentile(atFull, 0.95), 2),
    rssMiB: rounded(
      percentile(
        opened.map(({ rssMiB }) => rssMiB),
        0.5,
      ),
      0,
    ),
    rssAddedMiB: rounded(
      percentile(
        opened.map(({ rssAddedMiB }) => rssAddedMiB),
        0.5,
      ),
      0,
    ),
    examples: count,
    startsMs: opened.map(({ startMs }) => rounded(startMs, 0)),
    startWithoutIndexMs: rounded(withoutIndex.startMs, 0),
    insertP50Ms: rounded(percentile(atFull, 0.5), 2),
    insertP99Ms: rounded(percentile(atFull, 0.99), 2),
    insertMaxMs: rounded(Math.max(...insertMs), 1),
    searchAllMs: rounded(searchMs, 0),
    pageOf100Ms: rounded(pageMs, 1),
    deleteTwoMs: rounded(deleteMs, 0),
    diskMiB: rounded((await sizeOf(folder)) / 2 ** 20, 1),
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

interface Opened {
  readonly startMs: number;
  readonly rssMiB: number;
  readonly rssAddedMiB: number;
}

async function openInProcess(folder: string): Promise<Opened> {
  const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, '--open', folder]);
  return JSON.parse(stdout);
}

async function measureOpen(folder: string, signal: AbortSignal): Promise<void> {
  const before = process.memoryUsage.rss();
  const began = performance.now();
  const sql = await loadSqlite();
  const { store } = await openExampleStore({ folder, files: nodeFileSystem, sql }, signal);
  const startMs = performance.now() - began;
  const rss = process.memoryUsage.rss();
  console.log(JSON.stringify({ startMs, rssMiB: rss / 2 ** 20, rssAddedMiB: (rss - before) / 2 ** 20 }));
  await store.counts();
}

/** Windows of real files, each made its own by numbered names, over two years of work in twenty repositories. */
async function exampleSource(): Promise<(i: number) => Example> {
  const folder = join(import.meta.dirname, 'traces', 'execa', 'files', 'lib');
  const lines: string[] = [];
  for (const name of await readdir(folder)) lines.push(...(await readFile(join(folder, name), 'utf8')).split('\n'));
  const random = createRandom(1);
  return (i) => {
    const from = Math.floor(random() * Math.max(lines.length - windowLines, 1));
    const own = lines.slice(from, from + windowLines).map((line) => line.replace(/\b[a-z]{5,}\b/, `$&${i}`));
    const text = `${own.join('\n')}\nconst value${i} = compute${i}(${i});\n`;
    const spanEnd = text.length - 1;
    const spanStart = text.lastIndexOf('\n', spanEnd - 1) + 1;
    const kind = exampleKinds[i % exampleKinds.length] ?? 'accepted';
    return {
      id: `bench-${i}`,
      kind,
      repository: `repository${i % 20}#00000000`,
      path: `src/part${i % 400}/file.js`,
      languageId: 'javascript',
      text,
      spanStart,
      spanEnd,
      weight: kindWeights[kind],
      createdAtMs: 1_700_000_000_000 + i * 1_200_000,
      contentHash: contentHashOf(text, spanStart, spanEnd),
    };
  };
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
