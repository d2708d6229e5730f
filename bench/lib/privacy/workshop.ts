import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { findTrainer, startTrainer, type TrainerHost } from '../../../language-server/src/learning/trainer.ts';
import { type TrainerCommand, trainerCommands } from '../../../language-server/src/learning/trainerMessages.ts';
import { buildNative } from '../../../native/build.mjs';
import { cacheFolder, exists } from '../../../scripts/setup/cache.mjs';
import { repository } from '../../../scripts/setup/repository.mjs';
import { readFloats } from '../federationWork.ts';
import { modelPath } from '../product.ts';
import { rank } from './vectors.ts';

export interface Example {
  readonly tokens: readonly number[];
}

/** Work that is done once: each piece is a file named after all that it depends on, so that a bench stopped anywhere goes on. */
export interface Workshop {
  /** Direction of the loss's descent at the start, from one step; `perExample` clips each example's to the same norm first. */
  gradient(name: string, examples: readonly Example[], perExample: boolean): Promise<Float32Array>;
  /** What AdamW adds to B from the start, without privacy. */
  train(name: string, examples: readonly Example[], epochs: number): Promise<Float32Array>;
  /** Loss of each example in nats a token, for the base model and for each direction at a step length. */
  losses(examples: readonly Example[], directions: readonly Step[]): Promise<readonly (readonly number[])[]>;
  /** The adapter that is a direction at a step length: its file. */
  adapterOf(step: Step): Promise<string>;
  /** The same, but gradients, training and steps go on from so much further. */
  from(moved: Float32Array): Workshop;
}

export interface Step {
  readonly vector: Float32Array;
  readonly length: number;
}

const shape = { rank, alpha: 16 };
const sequence = 256;
/**
 * Adam divides by the gradient's own size, but not below its epsilon (1e-8): with a clip far below that, one step is a plain
 * gradient step of rate / epsilon.
 */
const tinyClip = 1e-7;

export async function openWorkshop(signal: AbortSignal, progress: (line: string) => void): Promise<Workshop> {
  const built = await buildNative({ log: progress, signal });
  if (!built.ok) throw new Error(built.missing);
  const found = findTrainer(repository, process.platform, process.arch);
  if ('missing' in found) throw new Error(found.missing);
  const host: TrainerHost = found;
  const model = modelPath();
  const folder = join(cacheFolder(), 'privacy-bench');
  await mkdir(folder, { recursive: true });
  const common = { model, threads: 1, sequence };

  async function run<Request extends object, Result>(command: TrainerCommand<Request, Result>, request: Request) {
    const perExample: number[][] = [];
    const outcome = await startTrainer(host, command, request, signal, (event) => {
      if (event.event !== 'example') return;
      const losses = perExample[event.stack] ?? [];
      losses[event.example] = event.loss / event.tokens;
      perExample[event.stack] = losses;
    }).outcome;
    if (!outcome.ok) throw new Error(outcome.message);
    return { result: outcome.result, perExample };
  }

  async function written(examples: readonly Example[]): Promise<{ readonly path: string; readonly hash: string }> {
    const text = `${examples.map((example) => JSON.stringify(example)).join('\n')}\n`;
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
    const path = join(folder, `data-${hash}.jsonl`);
    if (!(await exists(path))) await writeFile(path, text);
    return { path, hash };
  }

  async function once(path: string, make: (target: string) => Promise<void>): Promise<string> {
    if (await exists(path)) return path;
    progress(path);
    await make(`${path}.new`);
    await rename(`${path}.new`, path);
    return path;
  }

  async function evaluate(examples: readonly Example[], adapters: readonly (string | undefined)[]) {
    const { path, hash } = await written(examples);
    const recordOf = (adapter: string | undefined): string => {
      const name = createHash('sha256').update(JSON.stringify([hash, [adapter]]));
      return join(folder, `losses-${name.digest('hex').slice(0, 16)}.json`);
    };
    const missing = [];
    for (const adapter of adapters) if (!(await exists(recordOf(adapter)))) missing.push(adapter);
    if (missing.length > 0) {
      progress(`${missing.length} losses of ${path}`);
      const stacks = missing.map((each) => (each === undefined ? [] : [{ path: each, scale: 1 }]));
      const { perExample } = await run(trainerCommands.evaluate, { ...common, data: path, stacks });
      for (const [i, adapter] of missing.entries())
        await once(recordOf(adapter), (target) => writeFile(target, JSON.stringify(perExample[i])));
    }
    return Promise.all(
      adapters.map(
        async (adapter): Promise<readonly number[]> => JSON.parse(await readFile(recordOf(adapter), 'utf8')),
      ),
    );
  }

  async function adapterOf({ vector, length }: Step): Promise<string> {
    const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
    const hash = createHash('sha256').update(bytes).update(String(length)).digest('hex').slice(0, 16);
    return once(join(folder, `step-${hash}.gguf`), async (target) => {
      await writeFile(`${target}.f32`, bytes);
      await run(trainerCommands.delta, {
        model,
        output: target,
        delta: `${target}.f32`,
        adapter: shape,
        seed: 1,
        mode: 'b',
        scale: length,
      });
      await rm(`${target}.f32`);
    });
  }

  function startingAt(start: Float32Array | undefined): Workshop {
    async function begin() {
      if (start === undefined) return { suffix: '', settings: { adapter: shape, seed: 1, mode: 'b' as const } };
      const file = await adapterOf({ vector: start, length: 1 });
      return { suffix: `-from-${basename(file, '.gguf')}`, settings: { start: file, seed: 1, mode: 'b' as const } };
    }

    function stepFrom(step: Step): Step {
      if (start === undefined) return step;
      return { vector: start.map((value, i) => value + step.length * (step.vector[i] ?? 0)), length: 1 };
    }

    return {
      async gradient(name, examples, perExample) {
        const { path, hash } = await written(examples);
        const { suffix, settings } = await begin();
        const file = await once(join(folder, `gradient-${name}-${hash}-${perExample}${suffix}.f32`), async (target) => {
          const clip = perExample
            ? { privacy: { clip: tinyClip, noiseMultiplier: 0, expectedBatch: examples.length } }
            : { clip: tinyClip, packsPerStep: examples.length };
          const request = { ...common, ...settings, ...clip, data: path, delta: target, steps: 1, learningRate: 1e-3 };
          await run(trainerCommands.train, request);
        });
        return readFloats(file);
      },
      async train(name, examples, epochs) {
        const { path, hash } = await written(examples);
        const { suffix, settings } = await begin();
        const file = await once(join(folder, `trained-${name}-${hash}-${epochs}${suffix}.f32`), async (target) => {
          const warmupSteps = Math.min(8, Math.floor(examples.length / 4));
          const request = {
            ...common,
            ...settings,
            data: path,
            delta: target,
            epochs,
            learningRate: 1e-3,
            warmupSteps,
          };
          await run(trainerCommands.train, request);
        });
        return readFloats(file);
      },
      async losses(examples, directions) {
        const adapters: (string | undefined)[] = [undefined];
        for (const direction of directions) adapters.push(await adapterOf(stepFrom(direction)));
        return evaluate(examples, adapters);
      },
      adapterOf: (step) => adapterOf(stepFrom(step)),
      from: (moved) => startingAt(stepFrom({ vector: moved, length: 1 }).vector),
    };
  }
  return startingAt(undefined);
}
