import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { windowsOf } from '../../demo/nativeMemberTrainer.ts';
import { fillIn } from '../../language-server/src/learning/exampleLosses.ts';
import type { Losses } from '../../language-server/src/learning/gate.ts';
import { startTrainer, type TrainerHost } from '../../language-server/src/learning/trainer.ts';
import { type AdapterUse, trainerCommands } from '../../language-server/src/learning/trainerMessages.ts';

/** Training and evaluation whose outcomes are kept on disk by what they depend on: a run that was stopped goes on. */
export interface FederationWork {
  /** Writes the tokens once; gives the file. */
  data(name: string, files: readonly (readonly number[])[], mostTokens: number): Promise<TokenFile>;
  train(job: TrainJob, signal: AbortSignal): Promise<Trained>;
  /** The adapter that a delta from the seeded start stands for. */
  materialise(delta: Float32Array, mode: Matrices, signal: AbortSignal): Promise<string>;
  /** Floats that are worked out once for what they depend on; rounding at random would give others each time. */
  kept(parts: readonly unknown[], make: () => Promise<Float32Array>): Promise<Float32Array>;
  /** Nats of each window, by stack. */
  losses(file: TokenFile, stacks: readonly (readonly AdapterUse[])[], signal: AbortSignal): Promise<readonly Losses[]>;
}

export type Matrices = 'b' | 'both';

export interface TokenFile {
  readonly path: string;
  readonly tokens: number;
  readonly hash: string;
}

export interface TrainJob {
  readonly data: TokenFile;
  readonly mode: Matrices;
  readonly steps: number;
  /** In place of the usual one. */
  readonly learningRate?: number;
  readonly start?: string;
  readonly frozen?: readonly AdapterUse[];
}

export interface Trained {
  readonly adapter: string;
  readonly delta: string;
}

/** Thrown when the slice of time is used up: what was done is kept. */
export class SliceOver extends Error {}

export interface WorkOptions {
  readonly host: TrainerHost;
  readonly model: string;
  readonly folder: string;
  readonly threads: number;
  readonly rank: number;
  readonly learningRate: number;
  readonly sequence: number;
  readonly untilMs: number;
  readonly progress: (line: string) => void;
}

const seed = 1;
const lossesSchema = z.array(z.number());

export async function openWork(options: WorkOptions): Promise<FederationWork> {
  const { host, folder, sequence, rank, progress } = options;
  await mkdir(folder, { recursive: true });
  const common = { model: options.model, threads: options.threads };
  const adapter = { rank, alpha: 2 * rank };

  function checkSlice(what: string): void {
    if (Date.now() > options.untilMs) throw new SliceOver();
    progress(what);
  }

  return {
    async data(name, files, mostTokens) {
      const windows = windowsOf(files, mostTokens, sequence);
      const text = windows.map((tokens) => `${JSON.stringify({ tokens })}\n`).join('');
      const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
      const path = join(folder, `data-${name}-${hash}.jsonl`);
      if (!existsSync(path)) await writeFile(path, text);
      return { path, tokens: windows.flat().length, hash };
    },
    async train(job, signal) {
      const { steps, mode, start, frozen, learningRate = options.learningRate } = job;
      const key = keyOf('train', [job.data.hash, mode, steps, learningRate, rank, start ?? '', frozen ?? []]);
      const trained = { adapter: join(folder, `${key}.gguf`), delta: join(folder, `${key}.f32`) };
      if (existsSync(trained.adapter) && existsSync(trained.delta)) return trained;
      checkSlice(`trains ${mode} for ${steps} steps on ${job.data.tokens} tokens`);
      const request = {
        ...common,
        ...{
          data: job.data.path,
          output: `${trained.adapter}.new`,
          delta: `${trained.delta}.new`,
          mode,
          adapter,
          seed,
        },
        ...(start === undefined ? {} : { start }),
        ...(frozen === undefined ? {} : { frozen: [...frozen] }),
        ...{ sequence, packsPerStep: 1, steps, learningRate, weightDecay: 0, clip: 1 },
        warmupSteps: Math.min(8, Math.floor(steps / 4)),
      };
      const outcome = await startTrainer(host, trainerCommands.train, request, signal).outcome;
      if (!outcome.ok) throw new Error(`The trainer failed: ${outcome.message}`);
      await rename(`${trained.delta}.new`, trained.delta);
      await rename(`${trained.adapter}.new`, trained.adapter);
      return trained;
    },
    async materialise(delta, mode, signal) {
      const bytes = new Uint8Array(delta.buffer, delta.byteOffset, delta.byteLength);
      const key = keyOf('team', [createHash('sha256').update(bytes).digest('hex'), mode, rank]);
      const file = join(folder, `${key}.gguf`);
      if (existsSync(file)) return file;
      const raw = `${file}.delta`;
      await writeFile(raw, bytes);
      const request = { ...common, output: file, delta: raw, adapter, seed, mode };
      const outcome = await startTrainer(host, trainerCommands.delta, request, signal).outcome;
      await rm(raw, { force: true });
      if (!outcome.ok) throw new Error(`The adapter could not be made: ${outcome.message}`);
      return file;
    },
    async kept(parts, make) {
      const file = join(folder, `${keyOf('kept', parts)}.f32`);
      if (existsSync(file)) return readFloats(file);
      const floats = await make();
      await writeFile(`${file}.new`, new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
      await rename(`${file}.new`, file);
      return floats;
    },
    async losses(file, stacks, signal) {
      const record = (stack: readonly AdapterUse[]) => join(folder, `${keyOf('losses', [file.hash, stack])}.json`);
      const missing = stacks.filter((stack) => !existsSync(record(stack)));
      if (missing.length > 0) {
        checkSlice(`evaluates ${missing.length} stacks on ${file.tokens} tokens`);
        const request = { ...common, data: file.path, sequence, stacks: missing.map((stack) => [...stack]) };
        const found = missing.map((): number[] => []);
        const outcome = await startTrainer(host, trainerCommands.evaluate, request, signal, fillIn(found)).outcome;
        if (!outcome.ok) throw new Error(`The evaluation failed: ${outcome.message}`);
        for (const [i, losses] of found.entries()) await writeFile(record(missing[i] ?? []), JSON.stringify(losses));
      }
      return Promise.all(
        stacks.map(async (stack) => lossesSchema.parse(JSON.parse(await readFile(record(stack), 'utf8')))),
      );
    },
  };
}

export async function readFloats(path: string): Promise<Float32Array> {
  return new Float32Array(new Uint8Array(await readFile(path)).buffer);
}

function keyOf(kind: string, parts: readonly unknown[]): string {
  return `${kind}-${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 20)}`;
}
