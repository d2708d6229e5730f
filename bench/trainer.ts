// npm run bench -- trainer [--json] [--only smollm2-135m/256/2] [--peer]
// Training speed and memory on SmolLM2-135M (the real file) and on random weights of Qwen2.5-0.5B's shape; with --peer also
// PyTorch + PEFT on the same work in the same run (installed by pip into the user's cache folder). `--only` takes settings as
// they are named: model/sequence/threads[/checkpointing]; `--quick` is the first that a laptop would use. Ours stands for one
// window a step, as the product learns (language-server/src/learning/trainingPlan.ts), though a batch of four is faster and
// takes more memory; PEFT for the fastest of its own. `trials` lists all. `--device gpu`, or a device that `info` lists, has ours
// multiply there and PEFT work there; memory is the host's in both, and the peak stays the processor's. See native/README.md.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { getLlama } from 'node-llama-cpp';
import { z } from 'zod';
import { findTrainer, startTrainer, type TrainerHost } from '../language-server/src/learning/trainer.ts';
import { trainerCommands } from '../language-server/src/learning/trainerMessages.ts';
import { buildNative } from '../native/build.mjs';
import { runBenchmark } from './lib/main.ts';
import { percentile, rounded } from './lib/measure.ts';
import { modelPath } from './lib/product.ts';
import { createRandom } from './lib/random.ts';
import { peftScript, providePeft } from './peer/peft.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const run = promisify(execFile);
const progress = (line: string): void => console.error(line);

interface Shape {
  readonly name: 'smollm2-135m' | 'qwen2-0.5b';
  readonly weightType: string;
  readonly vocabulary: number;
  /** What one token of a window costs in the products of a forward and a backward pass, in GFLOP. */
  readonly gflopPerToken: (sequence: number, headShare: number, checkpointing: boolean) => number;
  /** The feed-forward matrix, whose product is the peak. */
  readonly out: number;
  readonly in: number;
}

/**
 * Width, feed-forward, query and key-value widths, layers and vocabulary of a decoder. Twice an operation for each weight and pass; attention
 * has two products of the way there and four of the way back, each with half of the window on average (as model FLOPs are counted for
 * utilisation, https://arxiv.org/abs/2204.02311, appendix B, but for the half that is masked). Of the head's way back `headShare` is
 * done, and with activation checkpointing the layers' way there is done twice. What adapters add is not counted.
 */
function gflopPerToken(d: number, ff: number, q: number, kv: number, layers: number, vocabulary: number) {
  const layer = 2 * d * q + 2 * d * kv + 3 * d * ff;
  // The first layer's q, k and v pass no gradient on: nothing below them trains.
  const weights = 4 * (layers * layer + d * vocabulary) - 2 * (d * q + 2 * d * kv);
  return (sequence: number, headShare: number, checkpointing: boolean): number => {
    const attention = layers * 6 * q * sequence;
    const again = checkpointing ? 2 * layers * layer + attention / 3 : 0;
    return (weights - 2 * d * vocabulary * (1 - headShare) + attention + again) / 1e9;
  };
}

const shapes: readonly Shape[] = [
  {
    name: 'smollm2-135m',
    weightType: 'q4_1',
    vocabulary: 49152,
    gflopPerToken: gflopPerToken(576, 1536, 576, 192, 30, 49152),
    out: 1536,
    in: 576,
  },
  {
    name: 'qwen2-0.5b',
    weightType: 'q8_0',
    vocabulary: 151936,
    gflopPerToken: gflopPerToken(896, 4864, 896, 128, 24, 151936),
    out: 4864,
    in: 896,
  },
];

interface Setting {
  readonly shape: Shape;
  readonly sequence: number;
  readonly threads: number;
  readonly checkpointing: boolean;
}

interface Measured {
  readonly tokensPerSecond: number;
  readonly peakRssMiB: number;
  readonly setting: string;
  readonly headShare?: number | undefined;
}

interface Tools {
  readonly host: TrainerHost;
  readonly makeModel: string;
  readonly gemmPeak: string;
}

interface PeerTrial {
  readonly precision: 'float32' | 'bfloat16';
  readonly batch: 1 | 4;
}
const peerTrials: readonly PeerTrial[] = [
  { precision: 'bfloat16', batch: 1 },
  { precision: 'bfloat16', batch: 4 },
  { precision: 'float32', batch: 1 },
  { precision: 'float32', batch: 4 },
];

/** One window a step. */
const productSetting = 'batch 1';
const windowCount = 8;

/** `own` of both products that training has, `forward` of the one that ggml has too. */
const peakSchema = z.object({ ggmlGflops: z.number(), forwardGflops: z.number(), ownGflops: z.number() });
const peerSchema = z.object({ tokensPerSecond: z.number(), peakRssMiB: z.number() });

await runBenchmark(async (signal) => {
  const { values: options } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      peer: { type: 'boolean', default: false },
      device: { type: 'string', default: 'cpu' },
    },
  });
  const chosen = chooseSettings(options.quick ? 'smollm2-135m/256/2' : options.only);
  const tools = await provideTools(signal);
  const python = options.peer ? await providePeft(progress) : undefined;
  const folder = await mkdtemp(join(tmpdir(), 'argot-bench-'));
  try {
    const random = join(folder, 'qwen2-0.5b.gguf');
    if (chosen.some(({ shape }) => shape.name === 'qwen2-0.5b'))
      await run(tools.makeModel, [tools.host.libraries, random, 'qwen2', 'q8_0', 'qwen-0.5b'], { signal });
    const results = [];
    for (const setting of chosen) {
      const { shape, sequence, threads, checkpointing } = setting;
      progress(`${settingName(setting)}…`);
      const windows =
        shape.name === 'smollm2-135m' ? await ownCode(sequence) : randomWindows(shape.vocabulary, sequence);
      const data = join(folder, `${shape.name}-${sequence}.jsonl`);
      await writeFile(data, windows.map((tokens) => `${JSON.stringify({ tokens })}\n`).join(''));
      const model = shape.name === 'smollm2-135m' ? modelPath() : random;
      const contest = await compare({
        train: (batch) => measureTraining(tools.host, setting, batch, model, data, options.device, signal),
        trainPeer:
          python === undefined || checkpointing
            ? undefined
            : (trial) => measurePeer(python, trial, setting, options.device, signal),
      });
      const ours = contest.ours.get(productSetting);
      if (ours === undefined) throw new Error(`${productSetting} was not measured.`);
      const peer = contest.peer.size === 0 ? undefined : preferred(contest.peer);
      const peak = await measurePeak(tools, setting, signal);
      results.push({
        model: shape.name,
        sequence,
        threads,
        checkpointing,
        tokensPerSecond: rounded(ours.tokensPerSecond, 1),
        peakRssMiB: rounded(ours.peakRssMiB, 0),
        setting: ours.setting,
        gemmShare: rounded(
          (ours.tokensPerSecond * shape.gflopPerToken(sequence, ours.headShare ?? 1, checkpointing)) /
            Math.max(peak.ggmlGflops, peak.ownGflops),
          3,
        ),
        headShare: rounded(ours.headShare ?? 1, 3),
        ...peak,
        ...(peer && {
          peerTokensPerSecond: rounded(peer.tokensPerSecond, 1),
          peerPeakRssMiB: rounded(peer.peakRssMiB, 0),
          peerSetting: peer.setting,
          tokensPerSecondRatio: rounded(ours.tokensPerSecond / peer.tokensPerSecond, 2),
          rssRatio: rounded(ours.peakRssMiB / peer.peakRssMiB, 3),
        }),
        trials: [...trials('Argot', contest.ours), ...trials('PEFT', contest.peer)],
      });
    }
    const { trials: _, ...headline } = results.find(({ threads, sequence }) => threads === 2 && sequence === 256) ??
      results[0] ?? { trials: [] };
    if (options.json) console.log(JSON.stringify({ ...headline, runs: results }));
    else {
      console.table(results.map(({ trials: _, ...result }) => result));
      console.table(
        results.flatMap(({ trials, model, sequence, threads }) =>
          trials.map((trial) => ({ model, sequence, threads, ...trial })),
        ),
      );
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

function settingName({ shape, sequence, threads, checkpointing }: Setting): string {
  return `${shape.name}/${sequence}/${threads}${checkpointing ? '/checkpointing' : ''}`;
}

function chooseSettings(names: string | undefined): readonly Setting[] {
  const all = shapes.flatMap((shape) =>
    [256, 512].flatMap((sequence) => [1, 2].map((threads) => ({ shape, sequence, threads, checkpointing: false }))),
  );
  const large = all.at(-1);
  if (large !== undefined) all.push({ ...large, checkpointing: true });
  if (names === undefined) return all;
  return names.split(',').map((name) => {
    const setting = all.find((each) => settingName(each) === name);
    if (setting === undefined) throw new Error(`--only takes ${all.map(settingName).join(', ')}.`);
    return setting;
  });
}

function trials(side: 'Argot' | 'PEFT', measured: ReadonlyMap<string, Measured>) {
  return [...measured.values()].map(({ setting, tokensPerSecond, peakRssMiB }) => ({
    ...{ side, setting, tokensPerSecond: rounded(tokensPerSecond, 1), peakRssMiB: rounded(peakRssMiB, 0) },
  }));
}

/**
 * Each setting of each side twice, by turns: what else runs on the machine only slows down, so the faster time counts. A setting of the
 * peer's that was slower than another by a quarter, more than what times scatter, is not tried again; nor a precision in batches of
 * four that was slower by a half with one, since that gains it less than a fifth.
 */
async function compare({
  train,
  trainPeer,
}: {
  readonly train: (batch: 1 | 4) => Promise<Measured>;
  readonly trainPeer: ((trial: PeerTrial) => Promise<Measured>) | undefined;
}): Promise<{ readonly ours: Map<string, Measured>; readonly peer: Map<string, Measured> }> {
  const ours = new Map<string, Measured>();
  const peer = new Map<string, Measured>();
  const keep = (side: Map<string, Measured>, measured: Measured): void => {
    const before = side.get(measured.setting);
    if (before === undefined || measured.tokensPerSecond > before.tokensPerSecond) side.set(measured.setting, measured);
  };
  for (const trial of [...peerTrials, ...peerTrials]) {
    // Ours chooses its precision by itself.
    if (trial.precision === 'bfloat16') keep(ours, await train(trial.batch));
    const share = (setting: PeerTrial): number =>
      (peer.get(peerSetting(setting))?.tokensPerSecond ?? Infinity) / fastest(peer);
    const mayWin = share(trial) > 0.75 && share({ ...trial, batch: 1 }) > 0.5;
    if (trainPeer && (peer.size === 0 || mayWin)) keep(peer, await trainPeer(trial));
  }
  return { ours, peer };
}

function peerSetting({ precision, batch }: PeerTrial): string {
  return `${precision}, batch ${batch}`;
}

function fastest(side: ReadonlyMap<string, Measured>): number {
  return Math.max(...[...side.values()].map(({ tokensPerSecond }) => tokensPerSecond));
}

/** The fastest; of those that time can't tell from it, the smallest. */
function preferred(side: ReadonlyMap<string, Measured>): Measured {
  const all = [...side.values()].sort((a, b) => a.peakRssMiB - b.peakRssMiB);
  const found = all.find(({ tokensPerSecond }) => tokensPerSecond >= 0.97 * fastest(side));
  if (found === undefined) throw new Error('Nothing was measured.');
  return found;
}

async function provideTools(signal: AbortSignal): Promise<Tools> {
  const built = await buildNative({ log: progress, signal });
  if (!built.ok) throw new Error(built.missing);
  const host = findTrainer(root, process.platform, process.arch);
  if ('missing' in host) throw new Error(host.missing);
  return { host, makeModel: built.makeModel, gemmPeak: built.gemmPeak };
}

function randomWindows(vocabulary: number, sequence: number): number[][] {
  const random = createRandom(1);
  return Array.from({ length: windowCount }, () =>
    Array.from({ length: sequence }, () => Math.floor(random() * vocabulary)),
  );
}

/** For real weights real text: how much of the vocabulary the trainer leaves out on the way back depends on it. */
async function ownCode(sequence: number): Promise<number[][]> {
  const text = await Promise.all(
    ['trainer.ts', 'learning.ts', 'latency.ts'].map((name) => readFile(join(root, 'bench', name), 'utf8')),
  );
  const llama = await getLlama({ gpu: false, build: 'never' });
  try {
    const vocabulary = await llama.loadModel({ modelPath: modelPath(), vocabOnly: true });
    const tokens = [...vocabulary.tokenize(text.join('\n'))];
    if (tokens.length < windowCount * sequence) throw new Error('The benchmarks’ own text is too short.');
    return Array.from({ length: windowCount }, (_, i) => tokens.slice(i * sequence, (i + 1) * sequence));
  } finally {
    await llama.dispose();
  }
}

/**
 * The median step counts, and the first, which touches fresh memory, does not. A batch of four is two packs of two
 * sequences each, which share the decoding of the weights.
 */
async function measureTraining(
  host: TrainerHost,
  { shape, sequence, threads, checkpointing }: Setting,
  batch: 1 | 4,
  model: string,
  data: string,
  device: string,
  signal: AbortSignal,
): Promise<Measured> {
  const times: number[] = [];
  let peakRssMiB = 0;
  let headShare: number | undefined;
  const request = {
    model,
    data,
    output: `${data}.gguf`,
    sequence: batch === 1 ? sequence : 2 * sequence,
    packsPerStep: batch === 1 ? 1 : 2,
    threads,
    device,
    steps: batch === 1 ? (shape.name === 'smollm2-135m' ? 12 : 5) : 4,
    activationCheckpointing: checkpointing ? ('on' as const) : ('off' as const),
  };
  const trainer = startTrainer(host, trainerCommands.train, request, signal, (event) => {
    if (event.event !== 'step') return;
    times.push(performance.now());
    ({ headShare } = event);
    if (trainer.pid !== undefined) peakRssMiB = peakResidentMiB(trainer.pid) ?? peakRssMiB;
  });
  const outcome = await trainer.outcome;
  if (!outcome.ok) throw new Error(outcome.message);
  const steps = times.slice(1).map((time, i) => (time - (times[i] ?? time)) / 1000);
  const measured = { tokensPerSecond: (batch * sequence) / percentile(steps, 0.5), peakRssMiB, headShare };
  progress(`  Argot, batch ${batch}: ${JSON.stringify(measured)}`);
  return { ...measured, setting: `batch ${batch}` };
}

/** The kernel's own high-water mark: mapped weights count as far as they were touched. Linux only. */
function peakResidentMiB(pid: number): number | undefined {
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

async function measurePeak({ gemmPeak, host }: Tools, { shape, sequence, threads }: Setting, signal: AbortSignal) {
  const args = [host.libraries, shape.weightType, shape.out, shape.in, sequence, threads].map(String);
  const { stdout } = await run(gemmPeak, args, { signal });
  return peakSchema.parse(JSON.parse(stdout));
}

/** A process of its own, so that its memory is its own. */
async function measurePeer(
  python: string,
  trial: PeerTrial,
  { shape, sequence, threads }: Setting,
  device: string,
  signal: AbortSignal,
): Promise<Measured> {
  const where = device === 'cpu' ? 'cpu' : 'cuda';
  const args = [peftScript('peft_speed.py'), shape.name, threads, trial.precision, trial.batch, sequence, 6, where];
  const { stdout } = await run(python, args.map(String), { signal });
  const measured = peerSchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  const setting = peerSetting(trial);
  progress(`  PEFT ${setting}: ${JSON.stringify(measured)}`);
  return { ...measured, setting };
}
