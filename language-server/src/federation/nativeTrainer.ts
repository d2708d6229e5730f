import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plan } from '#protocol/federation/messages.ts';
import { euclideanNorm } from '#protocol/federation/quantiser.ts';
import type { GgufFile } from '../engine/gguf.ts';
import { exampleLosses, fillIn } from '../learning/exampleLosses.ts';
import { startTrainer, type TrainerHost, type TrainerOutcome } from '../learning/trainer.ts';
import { trainerCommands } from '../learning/trainerMessages.ts';
import { updateLengthFor } from './adapterLength.ts';
import { choiceLines } from './backdoorScan.ts';
import type { LocalOutcome, LocalTrainer, LocalUpdate, TrainingJob } from './localTrainer.ts';

/** The examples of the enrolled repository as the trainer reads them (native/src/dataset.h). */
export interface TrainingFiles {
  readonly train: string;
  /** Held out by time: never trained on. */
  readonly heldOut: string;
  readonly trainTokens: number;
  readonly heldOutTokens: number;
}

export interface NativeTrainerOptions {
  readonly host: TrainerHost;
  readonly model: GgufFile;
  readonly modelSha256: string;
  /** Prepared anew for each run, so that what the developer deleted is not learned from. */
  readonly files: (sequence: number, signal: AbortSignal) => Promise<TrainingFiles>;
  readonly tokenize: (text: string) => readonly number[];
  /** For files that are there for a run only. */
  readonly folder: string;
  readonly threads: number;
  /** True where it is left out; a test does not wait for what other tests do. */
  readonly lowPriority?: boolean;
  /** Share of the time worked; less leaves more to the developer. */
  readonly cpuShare?: number;
}

const evaluationSequence = 256;

/** The real trainer: argot-trainer as a child process of the lowest priority. */
export function nativeTrainer(options: NativeTrainerOptions): LocalTrainer {
  const { host, model, modelSha256, files } = options;
  const common = {
    model: model.path,
    modelSha256,
    threads: options.threads,
    lowPriority: options.lowPriority ?? true,
    ...(options.cpuShare === undefined ? {} : { cpuShare: options.cpuShare }),
  };

  async function train(job: TrainingJob, signal: AbortSignal): Promise<LocalOutcome<LocalUpdate>> {
    const { adapter, training, privacy, work } = job;
    const data = await files(training.sequence, signal);
    if (data.trainTokens === 0) {
      await removeCode(data);
      return { ok: false, problem: 'tooLittleData', message: 'There are no examples to learn from yet.' };
    }
    await mkdir(work, { recursive: true, mode: 0o700 });
    const delta = join(work, 'delta.f32');
    const request = {
      ...common,
      data: data.train,
      delta,
      mode: adapter.matrices,
      adapter: { rank: adapter.rank, alpha: adapter.alpha, targets: adapter.targets },
      seed: adapter.seed,
      orderSeed: job.order,
      ...(job.start === undefined ? {} : { start: job.start }),
      sequence: training.sequence,
      ...(await stepsFor(job, data.train)),
      weightDecay: 0,
      checkpoint: join(work, 'checkpoint'),
      checkpointEverySteps: 8,
      resume: true,
    };
    const run = startTrainer(host, trainerCommands.train, request, signal, (event) => {
      if (event.event === 'progress') job.onProgress?.(event);
    });
    const outcome = await run.outcome;
    await removeCode(data);
    if (!outcome.ok) return failure(outcome);
    const bytes = await readFile(delta);
    const update = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    // A weight is sent without noise, so under a mechanism it says nothing.
    if (privacy.mechanism !== 'none')
      return { ok: true, value: { update: enlarged(update, privacy.mechanism), weight: 1 } };
    return { ok: true, value: { update, weight: weightOf(data.trainTokens, training, job.maxWeight) } };
  }

  return {
    baseSha256: modelSha256,
    updateLength: (adapter) => updateLengthFor(model, adapter),
    train,
    async materialise(adapter, delta, file, signal) {
      const raw = `${file}.delta`;
      await writeFile(raw, new Uint8Array(delta.buffer, delta.byteOffset, delta.byteLength));
      const { rank, alpha, targets, matrices, seed } = adapter;
      const request = { ...common, output: file, delta: raw, adapter: { rank, alpha, targets }, seed, mode: matrices };
      const outcome = await startTrainer(host, trainerCommands.delta, request, signal).outcome;
      return outcome.ok ? { ok: true, value: undefined } : failure(outcome);
    },
    async heldOutLosses(adapters, signal) {
      const data = await files(evaluationSequence, signal);
      if (data.heldOutTokens === 0) {
        await removeCode(data);
        return { ok: false, problem: 'tooLittleData', message: 'There are no held-out examples yet.' };
      }
      const stacks = adapters.map((path) => (path === undefined ? [] : [{ path, scale: 1 }]));
      const request = { ...common, data: data.heldOut, sequence: evaluationSequence, stacks };
      const examples = adapters.map((): number[] => []);
      const outcome = await startTrainer(host, trainerCommands.evaluate, request, signal, fillIn(examples)).outcome;
      await removeCode(data);
      if (!outcome.ok) return failure(outcome);
      const { stacks: found } = outcome.result;
      return { ok: true, value: found.map(({ loss }, i) => ({ perToken: loss, examples: examples[i] ?? [] })) };
    },
    async choiceLosses(adapters, signal) {
      const lines = choiceLines(options.tokenize);
      const data = join(options.folder, 'choices.jsonl');
      await mkdir(options.folder, { recursive: true, mode: 0o700 });
      const stacks = adapters.map((path) => (path === undefined ? [] : [{ path, scale: 1 }]));
      const outcome = await exampleLosses(
        host,
        { ...common, data, sequence: evaluationSequence },
        lines,
        stacks,
        signal,
      );
      return outcome.ok ? { ok: true, value: outcome.result } : failure(outcome);
    },
  };
}

/**
 * On average: more are sampled more rarely than the plan says, which tells less than is accounted. With as many, noise of epsilon 8
 * costs next to nothing; a step can’t be resumed, so that it must not take hours.
 */
const mostRecordsAStep = 256;

const plainDescent = { optimiser: 'sgd' } as const;

/** An ordinary run; DP-SGD over the records, whose steps are as long as so many of their clip norms; or, where members are protected, the one gradient of all that a run would see. */
async function stepsFor({ training, privacy }: TrainingJob, dataFile: string) {
  const { steps, packsPerStep, learningRate } = training;
  switch (privacy.mechanism) {
    case 'none':
      return { steps, packsPerStep, learningRate, warmupSteps: Math.min(8, Math.floor(steps / 4)), clip: 1 };
    case 'record': {
      const records = (await readFile(dataFile, 'utf8')).split('\n').filter((line) => line !== '').length;
      const { clip, noiseMultiplier, sampleRate } = privacy;
      const expectedBatch = Math.min(sampleRate * records, mostRecordsAStep);
      const dpSgd = { clip, noiseMultiplier, expectedBatch };
      return { steps, ...plainDescent, learningRate: learningRate / clip, privacy: dpSgd };
    }
    case 'client':
      return { steps: 1, packsPerStep: steps * packsPerStep, ...plainDescent, learningRate: 1, clip: 0 };
  }
}

/** The files are the developer's code, as token numbers: they are there for a run only. */
async function removeCode({ train, heldOut }: TrainingFiles): Promise<void> {
  await rm(train, { force: true });
  await rm(heldOut, { force: true });
}

/** A direction alone: long enough that the plan's clip norm is what is left of it. */
function enlarged(update: Float32Array, mechanism: 'record' | 'client'): Float32Array {
  if (mechanism === 'record') return update;
  const norm = euclideanNorm(update);
  return norm === 0 ? update : update.map((value) => (value / norm) * longerThanAnyClip);
}

const longerThanAnyClip = 1e6;

/** Less data than the plan's steps go through count less, since they were gone through again and again. */
function weightOf(tokens: number, { steps, packsPerStep, sequence }: Plan['training'], maxWeight: number): number {
  const share = Math.min(1, tokens / (steps * packsPerStep * sequence));
  return Math.max(1, Math.round(maxWeight * share));
}

function failure<Result>(outcome: TrainerOutcome<Result>): LocalOutcome<never> {
  if (outcome.ok) throw new TypeError('A run that went well is no failure.');
  const problem = outcome.problem === 'cancelled' ? 'cancelled' : 'trainerFailed';
  return { ok: false, problem, message: outcome.message };
}
