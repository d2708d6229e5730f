import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';
import {
  findLibraries,
  gpuVariants,
  startTrainer,
  type TrainerHost,
} from '../../language-server/src/learning/trainer.ts';
import type { TrainerCommand, TrainerEvent } from '../../language-server/src/learning/trainerMessages.ts';
import { buildNative } from '../build.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface Bench extends AsyncDisposable {
  readonly host: TrainerHost;
  readonly folder: string;
  readonly kernelsTest: string;
  path(name: string): string;
  /** A model of random weights; made once. */
  model(architecture: string, type?: string, shape?: string): Promise<string>;
  /** A file of JSON lines. */
  data(name: string, examples: readonly unknown[]): Promise<string>;
}

/**
 * The trainer, built where a compiler exists; otherwise the sentence that says what is missing. With ARGOT_SANITIZE=1 the
 * sanitised one, and nothing may be missing: a run that skips all would look clean.
 */
export async function openBench(): Promise<Bench | { readonly missing: string }> {
  const sanitize = process.env.ARGOT_SANITIZE === '1';
  const built = await buildNative({ sanitize });
  if (!built.ok) {
    if (sanitize) throw new Error(built.missing);
    return { missing: built.missing };
  }
  const libraries = findLibraries(root, process.platform, process.arch);
  if (libraries === undefined) throw new Error('node-llama-cpp has no libraries for this platform: run `npm ci`.');
  const gpuLibraries = findLibraries(root, process.platform, process.arch, gpuVariants);
  const host: TrainerHost = { program: built.trainer, libraries, ...(gpuLibraries && { gpuLibraries }) };
  const folder = await mkdtemp(join(tmpdir(), 'argot-trainer-'));
  const path = (name: string): string => join(folder, name);
  return {
    host,
    folder,
    kernelsTest: built.kernelsTest,
    path,
    async model(architecture, type = 'f32', shape = 'tiny') {
      const file = path(`${architecture}-${type}-${shape}.gguf`);
      if (!existsSync(file))
        await promisify(execFile)(built.makeModel, [host.libraries, file, architecture, type, shape]);
      return file;
    },
    async data(name, examples) {
      await writeFile(path(name), examples.map((example) => `${JSON.stringify(example)}\n`).join(''));
      return path(name);
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** For a test file: its bench, removed at the end; or `missing`, where its tests are to be skipped and the bench is none. */
export async function benchOfFile(): Promise<{ readonly bench: Bench; readonly missing: boolean }> {
  const opened = await openBench();
  if ('missing' in opened) {
    console.warn(opened.missing);
    return { bench: {} as Bench, missing: true };
  }
  afterAll(() => opened[Symbol.asyncDispose]());
  return { bench: opened, missing: false };
}

/** Runs one request to its end; a problem fails the test with its message. */
export async function ask<Request extends object, Result>(
  bench: Bench,
  command: TrainerCommand<Request, Result>,
  request: Request,
  onEvent?: (event: TrainerEvent) => void,
): Promise<Result> {
  const outcome = await startTrainer(bench.host, command, request, new AbortController().signal, onEvent).outcome;
  if (!outcome.ok) throw new Error(`${outcome.problem}: ${outcome.message}`);
  return outcome.result;
}

/** Numbers that a test can repeat, in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Examples with something to learn: each counts up by its own step. */
export function countingExamples(count: number, length: number, vocabulary = 101): { tokens: number[] }[] {
  const random = seededRandom(count * 31 + length);
  return Array.from({ length: count }, () => {
    const start = Math.floor(random() * vocabulary);
    const step = 1 + Math.floor(random() * 3);
    return { tokens: Array.from({ length }, (_, i) => (start + i * step) % vocabulary) };
  });
}

/** Kernels that round activations and weights to 8 bits inside a product. */
export const roundingKernels: readonly string[] = ['avx512bf16', 'avx512vnni'];
/** What that may do to the gradient of one tensor of a small random model: right ones were off by at most 0.29, wrong ones by about 1. */
export const roundingError = 0.45;
