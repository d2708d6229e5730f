// npm run bench -- latency [--json] [--quick] [--peer-prompt healed|plain] [--training]
// Typing traces through the language server and through llama-server, in one run; with --training
// through our side alone, with and without a trainer beside it: docs/benchmarks.md.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { latencyResult, latencyTable } from './lib/latencyReport.ts';
import { type LlamaServer, startLlamaServer } from './lib/llamaServer.ts';
import { provideLlamaServer } from './lib/llamaServerBuild.ts';
import { runBenchmark } from './lib/main.ts';
import { percentile, residentMiB } from './lib/measure.ts';
import { createOurSide } from './lib/ourSide.ts';
import { createPeerSide } from './lib/peerSide.ts';
import { modelPath, type Product, ready, startProduct } from './lib/product.ts';
import { openPromptEngine } from './lib/promptEngine.ts';
import { createPlayer, type Played, type Player, type Segment, segmentsOf } from './lib/replay.ts';
import { readTraces } from './lib/trace.ts';
import { latencyWhileTraining } from './lib/trainingLatency.ts';
import { cancelTrials, typeThrough } from './lib/trials.ts';

/** Keystrokes that one side plays before it is the other's turn. */
const segmentKeys = 30;
/** As the product opens its context (language-server/src/engine/createModelHost.ts). */
const contextTokens = 1024;
/** Of each trace, with --quick. */
const quickSegments = 2;

const progress = (line: string): void => console.error(line);

await runBenchmark(async (signal) => {
  const { json, quick, ending, training } = readOptions();
  const model = modelPath();
  const traces = await readTraces();
  const projects = traces.map(({ name }) => name);
  const segments = traces.flatMap((trace) =>
    segmentsOf(trace, segmentKeys).slice(0, quick ? quickSegments : undefined),
  );

  if (training) {
    const grown = await latencyWhileTraining(model, segments, join(import.meta.dirname, '..'), progress, signal);
    if (json) console.log(JSON.stringify({ ...grown, quick }, undefined, 2));
    else console.table(grown);
    return;
  }

  const build = await provideLlamaServer(progress);
  progress(`llama-server ${build.release} runs on ${build.kernels}.`);
  // In an untrusted folder nothing is indexed: chunks of it would stand in our prompts alone, and the peer's are to be the same.
  await using product = await startProduct(model, projects, { trusted: false });
  await ready(product);
  const { client, server } = product;
  const threads = client.statuses.last()?.backend?.threads ?? 1;
  const logPath = join(server.home, 'llama-server.log');
  await using llamaServer = await startLlamaServer({
    executable: build.executable,
    model,
    threads,
    contextTokens,
    logPath,
  });
  await using engine = await openPromptEngine(model, contextTokens);
  await warmUp(product, llamaServer);

  const before = await client.statistics();
  const speed = () => client.statuses.last()?.speed;
  const ours = createPlayer(createOurSide(client));
  const peer = createPlayer(createPeerSide({ server: llamaServer, engine, ending, speed }));
  const played = await replay(segments, ours, peer, signal);
  const after = await client.statistics();
  const memory = { rssMiB: residentMiB(server.pid), peerRssMiB: residentMiB(llamaServer.pid) };
  progress('Cancelling in mid prefill and in mid decode…');
  const cancels = await cancelTrials(client, traces, signal);
  progress('Typing through suggestions…');
  const through = await typeThrough(client, traces, signal);

  const result = latencyResult({ ...played, before, after, ...memory, cancels, through });
  const conditions = { threads, peerPrompt: ending, peerKernels: build.kernels, llamaCpp: build.release, quick };
  const everything = { ...result, details: { ...result.details, ...conditions } };
  console.log(json ? JSON.stringify(everything, undefined, 2) : latencyTable(result));
});

function readOptions() {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      training: { type: 'boolean', default: false },
      'peer-prompt': { type: 'string', default: 'healed' },
    },
  });
  const ending = values['peer-prompt'];
  if (ending !== 'healed' && ending !== 'plain') throw new Error('--peer-prompt is healed or plain.');
  return { json: values.json, quick: values.quick, training: values.training, ending } as const;
}

/** Both run once on a text of their own, so that neither meets its first keystroke cold. */
async function warmUp({ client }: Product, llamaServer: LlamaServer): Promise<void> {
  const text = 'function greet(name) {\n  return ';
  const document = await client.open({ uri: 'file:///bench/warm/up.js', languageId: 'javascript', text });
  await client.complete(document, text.length);
  await document.close();
  await llamaServer.complete({ prompt: text, maxTokens: 8, onText: () => false });
}

/** Alternates who goes first, so that what changes on the machine meets both alike. */
async function replay(
  segments: readonly Segment[],
  ours: Player,
  peer: Player,
  signal: AbortSignal,
): Promise<{ readonly ours: Played[]; readonly peer: Played[] }> {
  const played: { readonly ours: Played[]; readonly peer: Played[] } = { ours: [], peer: [] };
  for (const [index, segment] of segments.entries()) {
    const turns = [
      async () => played.ours.push(...(await ours.play(segment, signal))),
      async () => played.peer.push(...(await peer.play(segment, signal))),
    ];
    for (const turn of index % 2 === 0 ? turns : turns.reverse()) await turn();
    const medians = [played.ours, played.peer].map((each) =>
      percentile(
        each.map(({ record }) => record.latencyMs),
        0.5,
      ),
    );
    const [left, right] = medians.map((median) => `${median.toFixed(1)} ms`);
    progress(
      `${index + 1} of ${segments.length} segments (${segment.trace.name}): medians ${left}, llama-server ${right}`,
    );
  }
  return played;
}
