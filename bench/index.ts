// npm run bench -- index [--json] [--files N]
// The index of a repository of 10,000 files, made from the installed packages: build, size, update after a save, queries,
// memory of the index process.
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createIndexClient, type IndexClient } from '../language-server/src/indexing/indexClient.ts';
import type { FolderProgress } from '../language-server/src/indexing/messages.ts';
import { walk } from '../language-server/src/indexing/walk.ts';
import { makeRepository } from './lib/madeRepository.ts';
import { runBenchmark } from './lib/main.ts';
import { percentile, residentMiB, rounded } from './lib/measure.ts';
import { createRandom } from './lib/random.ts';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const queries = 300;
const saves = 40;

await runBenchmark(async (signal) => {
  const { values: options } = parseArgs({
    options: { json: { type: 'boolean', default: false }, files: { type: 'string', default: '10000' } },
  });
  const folder = await mkdtemp(join(tmpdir(), 'argot-bench-'));
  const root = join(folder, 'repository');
  const storage = join(folder, 'storage');
  try {
    const sourceBytes = await makeRepository(join(project, 'node_modules'), root, Number(options.files));
    const first = await withClient(storage, async (client, ready, peak) => {
      const began = performance.now();
      client.open(root, []);
      const built = await ready();
      const buildMs = performance.now() - began;
      const found = await measureQueries(client, root, signal);
      const updateMs = await measureSaves(client, root, signal);
      return { built, buildMs, found, updateMs, peakRssMiB: peak() };
    });
    const again = await withClient(storage, async (client, ready, peak) => {
      const began = performance.now();
      client.open(root, []);
      await ready();
      return { reopenMs: performance.now() - began, peakRssMiB: peak() };
    });
    const result = {
      files: first.built.files,
      sourceBytes,
      chunks: first.built.chunks,
      indexBytes: first.built.sizeBytes,
      buildMs: rounded(first.buildMs, 0),
      reopenMs: rounded(again.reopenMs, 0),
      queryP50Ms: rounded(percentile(first.found.ms, 0.5), 2),
      queryP95Ms: rounded(percentile(first.found.ms, 0.95), 2),
      answeredShare: rounded(first.found.answered / queries, 3),
      updateP50Ms: rounded(percentile(first.updateMs, 0.5), 1),
      updateP95Ms: rounded(percentile(first.updateMs, 0.95), 1),
      peakRssMiB: rounded(first.peakRssMiB, 0),
      reopenedPeakRssMiB: rounded(again.peakRssMiB, 0),
    };
    if (options.json) console.log(JSON.stringify(result));
    else console.table(result);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

async function withClient<T>(
  storage: string,
  use: (client: IndexClient, ready: () => Promise<FolderProgress>, peak: () => number) => Promise<T>,
): Promise<T> {
  let tell: (progress: FolderProgress) => void = () => undefined;
  const isReady = new Promise<FolderProgress>((resolve) => {
    tell = resolve;
  });
  let peak = 0;
  using client = createIndexClient({
    storage,
    // As it is shipped: to strip types at run time takes memory of its own.
    program: join(project, 'dist', 'index-process.mjs'),
    log: (message) => console.error(message),
  });
  client.onProgress((progress) => progress.state === 'ready' && tell(progress));
  const timer = setInterval(() => {
    if (client.pid !== undefined) peak = Math.max(peak, residentMiB(client.pid));
  }, 50);
  try {
    return await use(
      client,
      () => isReady,
      () => peak,
    );
  } finally {
    clearInterval(timer);
  }
}

/** The time from asking to having the texts, at random places of random files, as the language server would ask. */
async function measureQueries(client: IndexClient, root: string, signal: AbortSignal) {
  const paths: string[] = [];
  for await (const path of walk(root, () => false, signal)) paths.push(path);
  const random = createRandom(5);
  const ms: number[] = [];
  let answered = 0;
  for (let i = 0; i < queries; i++) {
    signal.throwIfAborted();
    const text = await readFile(join(root, paths[Math.floor(random() * paths.length)] ?? ''), 'utf8');
    const at = Math.floor(random() * text.length);
    const began = performance.now();
    const found = await client.query(
      {
        roots: [root],
        before: text.slice(Math.max(0, at - 4000), at),
        after: text.slice(at, at + 1000),
        count: 10,
        related: [],
      },
      signal,
    );
    ms.push(performance.now() - began);
    if (found.length > 0) answered++;
  }
  return { ms, answered };
}

/** From telling of a saved file until a query finds what was added to it. */
async function measureSaves(client: IndexClient, root: string, signal: AbortSignal): Promise<number[]> {
  const paths: string[] = [];
  for await (const path of walk(root, () => false, signal)) paths.push(path);
  const random = createRandom(6);
  const ms: number[] = [];
  for (let i = 0; i < saves; i++) {
    const path = paths[Math.floor(random() * paths.length)] ?? '';
    const name = `zebraHelper${i}`;
    await appendFile(join(root, path), `\nfunction ${name}() {\n  return ${i};\n}\n`);
    const began = performance.now();
    client.changed(root, [path]);
    const query = { roots: [root], before: `${name}(`, after: '', count: 3, related: [] };
    while (!(await client.query(query, signal)).some(({ text }) => text.includes(name))) {
      if (performance.now() - began > 5000) throw new Error(`A saved change of ${path} was not found within 5 s.`);
      await sleep(1);
    }
    ms.push(performance.now() - began);
  }
  return ms;
}
