// npm run bench -- learning [--authors A,B,C] [--manifest FILE] [--train-tokens N] [--test-tokens N] [--seeds N] [--peer]
// [--json]
// What an adapter learns from an author's own code: bits per byte on the author's newest packages, before and after one
// epoch over the oldest ones; with --peer also by PyTorch + PEFT on the same windows with the same settings. With --seeds N both
// sides are trained N times and the means compared. A seed gives the same first A and order of windows to both.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { getLlama, type LlamaModel } from 'node-llama-cpp';
import { z } from 'zod';
import { findTrainer, startTrainer, type TrainerHost } from '../language-server/src/learning/trainer.ts';
import { type TrainerCommand, trainerCommands } from '../language-server/src/learning/trainerMessages.ts';
import { type AuthorCorpus, provideCorpora, type SourceFile } from './corpora/corpus.ts';
import { runBenchmark } from './lib/main.ts';
import { mean, rounded } from './lib/measure.ts';
import { modelPath } from './lib/product.ts';
import { peftScript, providePeft } from './peer/peft.ts';

const run = promisify(execFile);
const progress = (line: string): void => console.error(line);
const sequence = 256;
const settings = { rank: 8, alpha: 16, learningRate: 1e-3, warmupSteps: 8, clip: 1 };

interface Windows {
  readonly file: string;
  /** UTF-8 bytes of the tokens that are predicted. */
  readonly bytes: number;
  readonly tokens: number;
}

/** Nats of all labelled tokens of the test windows; of the adapters one figure for each seed, as the seconds of training. */
const learnedSchema = z.object({
  baseNats: z.number(),
  trainedNats: z.array(z.number()),
  tokens: z.number(),
  seconds: z.array(z.number()),
});
type Learned = z.infer<typeof learnedSchema>;

await runBenchmark(async (signal) => {
  const { values } = parseArgs({
    options: {
      authors: { type: 'string', default: 'mafintosh,ljharb,bostock' },
      manifest: { type: 'string' },
      'train-tokens': { type: 'string', default: '20000' },
      'test-tokens': { type: 'string', default: '9000' },
      seeds: { type: 'string', default: '1' },
      threads: { type: 'string', default: String(availableParallelism()) },
      peer: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const host = findTrainer(join(import.meta.dirname, '..'), process.platform, process.arch);
  if ('missing' in host) throw new Error(host.missing);
  const python = values.peer ? await providePeft(progress) : undefined;
  const corpora = await provideCorpora({ manifest: values.manifest, authors: values.authors.split(','), progress });
  const llama = await getLlama({ gpu: false, build: 'never' });
  const vocabulary = await llama.loadModel({ modelPath: modelPath(), vocabOnly: true });
  const folder = await mkdtemp(join(tmpdir(), 'argot-learning-'));
  const threads = Number(values.threads);
  const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
  if (seeds.length === 0) throw new Error('--seeds wants a number of 1 or more.');
  try {
    const rows = [];
    for (const corpus of corpora) {
      const train = await windows(vocabulary, corpus.train, Number(values['train-tokens']), folder, 'train');
      const test = await windows(vocabulary, corpus.test, Number(values['test-tokens']), folder, 'test');
      progress(`${corpus.author}: ${train.tokens} tokens to learn from, ${test.tokens} to be tested by…`);
      const ours = await learn(host, train, test, seeds, threads, folder, signal);
      const theirs = python === undefined ? undefined : await learnByPeft(python, train, test, seeds, threads, signal);
      rows.push(row(corpus, test, ours, theirs));
      progress(JSON.stringify(rows.at(-1)));
    }
    const ratios = rows.flatMap(({ bitsPerByteRatio }) => bitsPerByteRatio ?? []);
    const worst = ratios.length === 0 ? {} : { bitsPerByteRatio: rounded(Math.max(...ratios), 4) };
    const change = rounded(mean(rows.map(({ bitsPerByte, baseBitsPerByte }) => bitsPerByte / baseBitsPerByte - 1)), 4);
    if (values.json) console.log(JSON.stringify({ ...worst, meanChange: change, authors: rows }));
    else console.table(rows);
  } finally {
    await llama.dispose();
    await rm(folder, { recursive: true, force: true });
  }
});

/** Windows of `sequence` tokens, from file to file in turn so that no package fills them; written as the trainer's data. */
async function windows(
  model: LlamaModel,
  files: readonly SourceFile[],
  wanted: number,
  folder: string,
  name: string,
): Promise<Windows> {
  const queues = files.map(({ path, text }) => {
    const tokens = [...model.tokenize(`// ${path}\n${text}`)];
    return Array.from({ length: Math.floor(tokens.length / sequence) }, (_, i) =>
      tokens.slice(i * sequence, (i + 1) * sequence),
    );
  });
  const chosen: (typeof queues)[number] = [];
  while (chosen.length * sequence < wanted && queues.some((queue) => queue.length > 0)) {
    for (const queue of queues) {
      const next = chosen.length * sequence < wanted ? queue.shift() : undefined;
      if (next !== undefined) chosen.push(next);
    }
  }
  const file = join(folder, `${name}.jsonl`);
  await writeFile(file, chosen.map((tokens) => `${JSON.stringify({ tokens })}\n`).join(''));
  const bytes = chosen.reduce((sum, tokens) => sum + Buffer.byteLength(model.detokenize(tokens.slice(1), true)), 0);
  return { file, bytes, tokens: chosen.length * sequence };
}

async function learn(
  host: TrainerHost,
  train: Windows,
  test: Windows,
  seeds: readonly number[],
  threads: number,
  folder: string,
  signal: AbortSignal,
): Promise<Learned> {
  const common = { model: modelPath(), sequence, threads };
  const { rank, alpha, ...rest } = settings;
  const outputs: string[] = [];
  const seconds: number[] = [];
  for (const seed of seeds) {
    const output = join(folder, `adapter-${seed}.gguf`);
    const adapter = { rank, alpha };
    const request = { ...common, ...rest, seed, data: train.file, output, adapter, schedule: 'constant' } as const;
    const started = performance.now();
    await ask(host, trainerCommands.train, request, signal);
    seconds.push((performance.now() - started) / 1000);
    outputs.push(output);
  }
  const stacks = [[], ...outputs.map((path) => [{ path, scale: 1 }])];
  const evaluate = { ...common, data: test.file, precision: 'float32', stacks } as const;
  const [base, ...trained] = (await ask(host, trainerCommands.evaluate, evaluate, signal)).stacks;
  if (base === undefined || trained.length !== seeds.length) throw new Error('The trainer left a stack out.');
  return {
    baseNats: base.loss * base.tokens,
    trainedNats: trained.map(({ loss, tokens }) => loss * tokens),
    tokens: base.tokens,
    seconds,
  };
}

async function ask<Request extends object, Result>(
  host: TrainerHost,
  command: TrainerCommand<Request, Result>,
  request: Request,
  signal: AbortSignal,
): Promise<Result> {
  const outcome = await startTrainer(host, command, request, signal).outcome;
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome.result;
}

async function learnByPeft(
  python: string,
  train: Windows,
  test: Windows,
  seeds: readonly number[],
  threads: number,
  signal: AbortSignal,
): Promise<Learned> {
  const request = JSON.stringify({ ...settings, seeds });
  const args = [peftScript('peft_learning.py'), modelPath(), train.file, test.file, threads, request];
  const { stdout } = await run(python, args.map(String), { signal, maxBuffer: 64 << 20 });
  return learnedSchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
}

function row({ author }: AuthorCorpus, test: Windows, ours: Learned, theirs: Learned | undefined) {
  const bitsPerByte = (nats: number): number => rounded(nats / Math.LN2 / test.bytes, 4);
  return {
    author,
    baseBitsPerByte: bitsPerByte(ours.baseNats),
    bitsPerByte: bitsPerByte(mean(ours.trainedNats)),
    bySeed: ours.trainedNats.map(bitsPerByte),
    seconds: rounded(mean(ours.seconds), 0),
    ...(theirs && {
      peerBaseBitsPerByte: bitsPerByte(theirs.baseNats),
      peerBitsPerByte: bitsPerByte(mean(theirs.trainedNats)),
      peerBySeed: theirs.trainedNats.map(bitsPerByte),
      peerSeconds: rounded(mean(theirs.seconds), 0),
      bitsPerByteRatio: rounded(mean(ours.trainedNats) / mean(theirs.trainedNats), 4),
    }),
  };
}
