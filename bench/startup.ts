// npm run bench -- startup [--json] [--quick]
// Cold start, idle load and memory of the language server: docs/benchmarks.md.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Client } from '../test/lib/client.ts';
import type { ClientDocument } from '../test/lib/document.ts';
import { runBenchmark } from './lib/main.ts';
import { percentile, residentMiB, rounded } from './lib/measure.ts';
import { modelPath, type Product, ready, startProduct } from './lib/product.ts';
import { uriOf } from './lib/side.ts';
import { createStage, readTraces, type Trace } from './lib/trace.ts';

/** Counted starts; one more before them warms the disk's cache. */
const starts = 5;
const idleMs = 30_000;
const quickIdleMs = 5_000;
const requests = 5_000;
const quickRequests = 500;
/** Before memory is looked at the first time: caches fill and code is compiled. */
const warmUpRequests = 500;
/** Collections of garbage move memory by 10 MiB up and down, so what is compared are medians over so many requests. */
const around = 1_000;
/** The person types so fast that a request is withdrawn after this long; every tenth is waited for. */
const patienceMs = 15;
const waitedFor = 10;

const progress = (line: string): void => console.error(line);

await runBenchmark(async (signal) => {
  const { values } = parseArgs({
    options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
  });
  const model = modelPath();
  const traces = await readTraces();
  const projects = traces.map(({ name }) => name);

  const coldStartsMs: number[] = [];
  for (let i = 0; i <= starts; i++) {
    const ms = await coldStart(model);
    progress(`Cold start: ${ms.toFixed(0)} ms${i === 0 ? ' (not counted: it warms the disk)' : ''}`);
    if (i > 0) coldStartsMs.push(ms);
  }

  await using product = await startProduct(model, projects);
  await ready(product);
  progress(`Idle for ${(values.quick ? quickIdleMs : idleMs) / 1000} s…`);
  const idleCpuPercent = await idleLoad(product, values.quick ? quickIdleMs : idleMs, signal);
  const count = values.quick ? quickRequests : requests;
  const memory = await memoryGrowth(product, traces, count, signal);

  const result = {
    coldStartMs: rounded(percentile(coldStartsMs, 0.5), 0),
    idleCpuPercent: rounded(idleCpuPercent, 2),
    rssGrowthMiB: rounded(memory.afterMiB - memory.beforeMiB, 1),
    requests: count,
    details: {
      coldStartsMs: coldStartsMs.map((ms) => rounded(ms, 0)),
      rssReadyMiB: rounded(memory.readyMiB, 1),
      rssBeforeMiB: rounded(memory.beforeMiB, 1),
      rssAfterMiB: rounded(memory.afterMiB, 1),
      answered: memory.answered,
      quick: values.quick,
    },
  };
  console.log(
    values.json
      ? JSON.stringify(result, undefined, 2)
      : Object.entries(result)
          .slice(0, -1)
          .map((row) => row.join(': '))
          .join('\n'),
  );
});

/** From the spawn of a new server until its first item is there, as a first window would see it. */
async function coldStart(model: string): Promise<number> {
  await using product = await startProduct(model, ['start']);
  const { client, server } = product;
  const text = 'function add(a, b) {\n  return a';
  const document = await client.open({ uri: uriOf('start', 'add.js'), languageId: 'javascript', text });
  const answer = await client.complete(document, text.length);
  const tookMs = performance.now() - server.spawnedAtMs;
  if (answer.kind === 'items' && answer.items.length > 0) return tookMs;
  const trace = await client.lastTrace();
  throw new Error(`The first request got no item: ${trace?.reason ?? 'no reason given'}.\n${await server.output()}`);
}

/** Share of one core that the server takes while nobody types. */
async function idleLoad({ client }: Product, durationMs: number, signal: AbortSignal): Promise<number> {
  await sleep(2000, undefined, { signal });
  const [before, began] = [await client.statistics(), performance.now()];
  await sleep(durationMs, undefined, { signal });
  const after = await client.statistics();
  return ((after.cpuMs - before.cpuMs) / (performance.now() - began)) * 100;
}

interface Growth {
  readonly readyMiB: number;
  readonly beforeMiB: number;
  readonly afterMiB: number;
  /** Requests that were answered before they were withdrawn. */
  readonly answered: number;
}

async function memoryGrowth(
  product: Product,
  traces: readonly Trace[],
  count: number,
  signal: AbortSignal,
): Promise<Growth> {
  const { client, server } = product;
  const readyMiB = residentMiB(server.pid);
  const typing = typeForever(client, traces, signal);
  const readings: number[] = [];
  let answered = 0;
  for (let made = 1; made <= warmUpRequests + count + around; made++) {
    if ((await typing.next()).value === 'answered') answered++;
    if (made > warmUpRequests && made % 20 === 0) readings.push(residentMiB(server.pid));
    if (made % 500 === 0) progress(`${made} requests, ${residentMiB(server.pid).toFixed(1)} MiB`);
  }
  await typing.return();
  const beforeMiB = percentile(readings.slice(0, around / 20), 0.5);
  const afterMiB = percentile(readings.slice(-around / 20), 0.5);
  return { readyMiB, beforeMiB, afterMiB, answered };
}

/** Plays the traces over and over without their pauses; one step a keystroke. */
async function* typeForever(
  client: Client,
  traces: readonly Trace[],
  signal: AbortSignal,
): AsyncGenerator<'answered' | 'withdrawn', void, void> {
  for (let made = 0; ; ) {
    for (const trace of traces) {
      const stage = createStage(trace.files);
      const documents = new Map<string, ClientDocument>();
      for (const event of trace.events) {
        signal.throwIfAborted();
        const edit = stage.apply(event);
        if (event.type === 'open') {
          const text = stage.texts.get(event.path) ?? '';
          const uri = uriOf(trace.name, event.path);
          documents.set(event.path, await client.open({ uri, languageId: event.languageId, text }));
        }
        const document = documents.get(stage.path());
        if (edit === undefined || document === undefined) continue;
        await document.edit(edit.offset, edit.deleted, edit.inserted);
        const withdrawn = made++ % waitedFor === 0 ? undefined : AbortSignal.timeout(patienceMs);
        const answer = await client.complete(
          document,
          edit.cursor,
          withdrawn === undefined ? {} : { signal: withdrawn },
        );
        yield answer.kind === 'items' && !withdrawn?.aborted ? 'answered' : 'withdrawn';
      }
      for (const document of documents.values()) await document.close();
    }
  }
}
