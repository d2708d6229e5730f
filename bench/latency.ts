// npm run bench -- latency [--json] [--quick] [--peer-prompt healed|plain]
// Typing traces through the language server and through llama-server, in one run: see docs/benchmarks.md.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { latencyResult, latencyTable } from './lib/latencyReport.ts';
import { startLlamaServer } from './lib/llamaServer.ts';
import { provideLlamaServer } from './lib/llamaServerBuild.ts';
import { percentile, residentMiB } from './lib/measure.ts';
import { createOurSide } from './lib/ourSide.ts';
import { createPeerSide } from './lib/peerSide.ts';
import { modelPath, ready, startProduct } from './lib/product.ts';
import { openPromptEngine } from './lib/promptEngine.ts';
import { createPlayer, type Played, type Segment, segmentsOf } from './lib/replay.ts';
import { readTrace } from './lib/trace.ts';
import { cancelTrials, typeThrough } from './lib/trials.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    'peer-prompt': { type: 'string', default: 'healed' },
  },
});
const ending = options['peer-prompt'];
if (ending !== 'healed' && ending !== 'plain') throw new Error('--peer-prompt is healed or plain.');
const progress = (line: string): void => console.error(line);

/** Keystrokes that one side plays before it is the other's turn. */
const segmentKeys = 30;
/** As language-server/src/engine opens its context. */
const contextTokens = 4096;

const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort(new Error('Stopped.')));

const model = modelPath();
const folder = join(import.meta.dirname, 'traces');
const names = (await readdir(folder, { withFileTypes: true })).flatMap((each) =>
  each.isDirectory() ? [each.name] : [],
);
const traces = await Promise.all(names.sort().map((name) => readTrace(folder, name)));
const segments = traces.flatMap((trace) => segmentsOf(trace, segmentKeys).slice(0, options.quick ? 2 : undefined));

const build = await provideLlamaServer(progress);
progress(`llama-server ${build.release} on ${build.kernels}`);
await using product = await startProduct(model, names);
await ready(product);
const { client, server } = product;
const threads = client.statuses.last()?.backend?.threads ?? 1;
const logPath = join(server.home, 'llama-server.log');
await using peerServer = await startLlamaServer({
  executable: build.executable,
  model,
  threads,
  contextTokens,
  logPath,
});
await using engine = await openPromptEngine(model, contextTokens);

await warmUp();
const before = await client.statistics();
const ours = createPlayer(createOurSide(client));
const peer = createPlayer(
  createPeerSide({ server: peerServer, engine, ending, speed: () => client.statuses.last()?.speed }),
);
const [oursPlayed, peerPlayed] = await replay(segments);
const after = await client.statistics();
const memory = { rssMiB: residentMiB(server.pid), peerRssMiB: residentMiB(peerServer.pid) };
progress('Cancelling in mid prefill and in mid decode…');
const cancels = await cancelTrials(client, traces);
progress('Typing through suggestions…');
const through = await typeThrough(client, traces);
const result = latencyResult({ ours: oursPlayed, peer: peerPlayed, before, after, ...memory, cancels, through });
const conditions = {
  threads,
  peerPrompt: ending,
  peerKernels: build.kernels,
  llamaCpp: build.release,
  quick: options.quick,
};
const everything = { ...result, details: { ...result.details, ...conditions } };
console.log(options.json ? JSON.stringify(everything, undefined, 2) : latencyTable(result));

/** Both run once on a text of their own, so that neither meets its first keystroke cold. */
async function warmUp(): Promise<void> {
  const text = 'function greet(name) {\n  return ';
  const document = await client.open({ uri: 'file:///bench/warm/up.js', languageId: 'javascript', text });
  await client.complete(document, text.length);
  await document.close();
  await peerServer.complete({ prompt: text, maxTokens: 8, onText: () => false });
}

/** Alternates who goes first, so that what changes on the machine meets both alike. */
async function replay(all: readonly Segment[]): Promise<[Played[], Played[]]> {
  const [left, right]: [Played[], Played[]] = [[], []];
  for (const [index, segment] of all.entries()) {
    const turns = [
      async () => left.push(...(await ours.play(segment, stopping.signal))),
      async () => right.push(...(await peer.play(segment, stopping.signal))),
    ];
    for (const turn of index % 2 === 0 ? turns : turns.reverse()) await turn();
    progress(
      `${index + 1} of ${all.length} segments (${segment.trace.name}): median ${median(left)} ms, llama-server ${median(right)} ms`,
    );
  }
  return [left, right];
}

function median(played: readonly Played[]): string {
  return percentile(
    played.map(({ record }) => record.latencyMs),
    0.5,
  ).toFixed(1);
}
