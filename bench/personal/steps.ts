import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fillIn } from '../../language-server/src/learning/exampleLosses.ts';
import { startTrainer, type TrainerHost } from '../../language-server/src/learning/trainer.ts';
import type { AdapterUse } from '../../language-server/src/learning/trainerMessages.ts';
import { trainerCommands } from '../../language-server/src/learning/trainerMessages.ts';
import { repository } from '../../scripts/setup/repository.mjs';

/** What `bench -- personalisation` and `-- retrieval --personal` keep of training and evaluating, for one another too. */
export const personalCache = join(repository, '.cache', 'personalisation');

/** An example as the trainer reads it. */
export interface Line {
  readonly tokens: readonly number[];
  readonly labels?: readonly (readonly number[])[];
  readonly weight?: number;
}

/** How adapters are trained; chosen on the authors' `valid` splits. */
export interface Recipe {
  readonly rank: number;
  readonly alpha: number;
  readonly learningRate: number;
  readonly epochs: number;
  readonly schedule: 'constant' | 'cosine';
  readonly warmupSteps: number;
  readonly packsPerStep: number;
  /** Tokens of a window. */
  readonly sequence: number;
  readonly dropout?: number;
}

export interface StepsOptions {
  readonly host: TrainerHost;
  readonly model: string;
  /** Results are kept here by what went in, so that a run that was stopped goes on where it was. */
  readonly cache: string;
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** Training and evaluation by the real trainer, each done once for the same input. */
export interface Steps {
  /** The adapter's file. */
  train(name: string, lines: readonly Line[], recipe: Recipe, start?: string): Promise<string>;
  /** By stack, then by example: the loss summed over its labelled tokens, in nats. */
  evaluate(name: string, lines: readonly Line[], stacks: readonly (readonly AdapterUse[])[]): Promise<number[][]>;
}

const lossesSchema = z.array(z.number());

export function createSteps({ host, model, cache, threads, signal, progress }: StepsOptions): Steps {
  const jsonLines = (lines: readonly Line[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

  async function train(name: string, lines: readonly Line[], recipe: Recipe, start?: string): Promise<string> {
    await mkdir(cache, { recursive: true });
    const text = jsonLines(lines);
    const key = keyOf(['train', text, recipe, start === undefined ? '' : keyInName(start)]);
    const output = join(cache, `adapter-${key}.gguf`);
    if (existsSync(output)) return output;
    const data = join(cache, `train-${key}.jsonl`);
    await writeFile(data, text);
    const { rank, alpha, ...settings } = recipe;
    const began = performance.now();
    const outcome = await startTrainer(
      host,
      trainerCommands.train,
      {
        ...{ model, data, output, threads, seed: 1, clip: 1, ...settings },
        ...(start === undefined ? { adapter: { rank, alpha } } : { start }),
        ...{ checkpoint: join(cache, `checkpoint-${key}`), checkpointEverySteps: 20, resume: true },
      },
      signal,
    ).outcome;
    if (!outcome.ok) throw new Error(`Training ${name}: ${outcome.message}`);
    progress(
      `trained ${name}: ${outcome.result.tokens} tokens in ${((performance.now() - began) / 1000).toFixed(0)} s`,
    );
    return output;
  }

  async function evaluateOne(name: string, lines: readonly Line[], stacks: readonly (readonly AdapterUse[])[]) {
    await mkdir(cache, { recursive: true });
    const text = jsonLines(lines);
    const files = stacks.map((stack) => {
      const uses = stack.map(({ path, scale }) => [keyInName(path), scale]);
      return join(cache, `losses-${keyOf(['evaluate', text, uses])}.json`);
    });
    const missing = stacks.flatMap((stack, i) => (existsSync(files[i] ?? '') ? [] : [{ stack, file: files[i] ?? '' }]));
    if (missing.length > 0) {
      const data = join(cache, `evaluate-${keyOf(text)}.jsonl`);
      await writeFile(data, text);
      const losses = missing.map(() => new Array<number>(lines.length).fill(Number.NaN));
      const request = {
        model,
        data,
        threads,
        sequence: longest(lines),
        stacks: missing.map(({ stack }) => [...stack]),
      };
      const outcome = await startTrainer(host, trainerCommands.evaluate, request, signal, fillIn(losses)).outcome;
      if (!outcome.ok) throw new Error(`Evaluating ${name}: ${outcome.message}`);
      for (const [i, { file }] of missing.entries()) {
        await writeFile(`${file}.part`, JSON.stringify(losses[i]));
        await rename(`${file}.part`, file);
      }
      progress(
        `evaluated ${name}: ${missing.length} × ${lines.length} examples at ${outcome.result.tokensPerSecond.toFixed(0)} tokens/s`,
      );
    }
    return Promise.all(files.map(async (file) => lossesSchema.parse(JSON.parse(await readFile(file, 'utf8')))));
  }

  return { train, evaluate: evaluateOne };
}

function longest(lines: readonly Line[]): number {
  return Math.max(256, ...lines.map(({ tokens }) => tokens.length));
}

/** An adapter is known by the key in its file's name, which stands for all that it was made from. */
function keyInName(path: string): string {
  return /-([0-9a-f]+)\.gguf$/.exec(path)?.[1] ?? path;
}

export function keyOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 24);
}
