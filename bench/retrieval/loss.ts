import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { AdapterUse } from '../../language-server/src/engine/adapters.ts';
import { startTrainer, type TrainerHost } from '../../language-server/src/learning/trainer.ts';
import { trainerCommands } from '../../language-server/src/learning/trainerMessages.ts';

/** A prompt and what was written after it, in tokens. */
export interface Question {
  readonly prompt: readonly number[];
  readonly target: readonly number[];
}

/** Nats that the model needs for a target after its prompt. */
export interface LossMeter {
  /** In the order of the questions, with these adapters. What was asked before, in any run, is not computed again. */
  measure(questions: readonly Question[], signal: AbortSignal, adapters?: readonly AdapterUse[]): Promise<number[]>;
}

const recordSchema = z.tuple([z.string(), z.number()]);
/** So many at once, so that a run that is stopped loses little. */
const atOnce = 64;

/** Losses by argot-trainer's forward pass, kept in a file of JSON lines: a full run takes hours on two cores. */
export async function createLossMeter(
  host: TrainerHost,
  model: string,
  cacheFile: string,
  threads: number,
  progress: (line: string) => void,
): Promise<LossMeter> {
  const known = new Map<string, number>();
  await mkdir(dirname(cacheFile), { recursive: true });
  for (const line of (await readFile(cacheFile, 'utf8').catch(() => '')).split('\n')) {
    if (line.endsWith(']')) known.set(...recordSchema.parse(JSON.parse(line)));
  }
  const keyOf = ({ prompt, target }: Question, adapters: readonly AdapterUse[]): string =>
    createHash('sha256')
      .update([model, ...adapters.map(({ path, scale }) => `${path}*${scale}`)].map((path) => basename(path)).join(' '))
      .update(` ${prompt.join(' ')} | ${target.join(' ')}`)
      .digest('base64url');

  async function compute(
    questions: readonly Question[],
    adapters: readonly AdapterUse[],
    signal: AbortSignal,
  ): Promise<number[]> {
    const folder = await mkdtemp(join(tmpdir(), 'argot-bench-'));
    try {
      const data = join(folder, 'questions.jsonl');
      const lines = questions.map(({ prompt, target }) =>
        JSON.stringify({ tokens: [...prompt, ...target], labels: [[prompt.length, prompt.length + target.length]] }),
      );
      await writeFile(data, `${lines.join('\n')}\n`);
      const longest = Math.max(...questions.map(({ prompt, target }) => prompt.length + target.length));
      const losses: number[] = [];
      const request = { model, data, threads, sequence: Math.max(longest, 512), stacks: [[...adapters]] };
      const run = startTrainer(host, trainerCommands.evaluate, request, signal, (event) => {
        if (event.event === 'example') losses[event.example] = event.loss;
      });
      const outcome = await run.outcome;
      if (!outcome.ok) throw new Error(outcome.message);
      return questions.map((_, i) => {
        const loss = losses[i];
        if (loss === undefined) throw new Error('The trainer gave no loss for a question.');
        return loss;
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  return {
    async measure(questions, signal, adapters = []) {
      const missing = [...new Map(questions.map((each) => [keyOf(each, adapters), each])).entries()].filter(
        ([key]) => !known.has(key),
      );
      for (let at = 0; at < missing.length; at += atOnce) {
        signal.throwIfAborted();
        const some = missing.slice(at, at + atOnce);
        const began = performance.now();
        const losses = await compute(
          some.map(([, question]) => question),
          adapters,
          signal,
        );
        const records = some.map(([key], i): [string, number] => [key, losses[i] ?? Number.NaN]);
        for (const [key, loss] of records) known.set(key, loss);
        await appendFile(cacheFile, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
        const tokens = some.reduce((sum, [, { prompt, target }]) => sum + prompt.length + target.length, 0);
        const speed = (tokens / (performance.now() - began)) * 1000;
        progress(`${at + some.length} of ${missing.length} prompts evaluated (${speed.toFixed(0)} tokens/s)…`);
      }
      return questions.map((each) => known.get(keyOf(each, adapters)) ?? Number.NaN);
    },
  };
}
