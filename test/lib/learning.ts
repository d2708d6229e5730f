import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Engine } from '../../language-server/src/engine/engine.ts';
import { readGguf } from '../../language-server/src/engine/gguf.ts';
import { loadLibrary } from '../../language-server/src/engine/library.ts';
import { openEngine } from '../../language-server/src/engine/llama.ts';
import { promptFormatOf } from '../../language-server/src/engine/promptFormat.ts';
import { findTrainer, startTrainer, type TrainerHost } from '../../language-server/src/learning/trainer.ts';
import { trainerCommands } from '../../language-server/src/learning/trainerMessages.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The trainer that set-up built; where no compiler exists, the sentence that says so. */
export function trainerHost(): TrainerHost | { readonly missing: string } {
  return findTrainer(root, process.platform, process.arch);
}

/** The real engine in this process, as the server makes it. */
export async function realEngine(path: string): Promise<Engine> {
  const gguf = await readGguf(path);
  if (!gguf.ok) throw new Error(`${path} can't be read: ${gguf.fault}.`);
  const options = { gpu: 'off', threads: 1, contextTokens: 1024, batchTokens: 128, log: () => undefined } as const;
  const model = {
    ...{ id: 'test', name: 'Test', path, sizeBytes: 0, licence: '', architecture: 'llama', trainedContext: 0 },
    format: promptFormatOf(gguf.gguf),
  } as const;
  return openEngine(await loadLibrary(options), model, options);
}

/** Trains a small adapter on one text, said over and over, until the model says it too. */
export async function trainOn(host: TrainerHost, engine: Engine, text: string, output: string, steps = 12) {
  const data = `${output}.jsonl`;
  writeFileSync(data, `${JSON.stringify({ tokens: engine.tokenize(text) })}\n`);
  const outcome = await startTrainer(
    host,
    trainerCommands.train,
    {
      ...{ model: engine.model.path, data, output, steps, threads: 1, learningRate: 0.004, sequence: 128, seed: 1 },
      adapter: { rank: 4, alpha: 8 },
    },
    new AbortController().signal,
  ).outcome;
  if (!outcome.ok) throw new Error(outcome.message);
}

/** Memory that is this process's own: mapped weights do not count. */
export function ownMemoryMiB(): number {
  const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kib) / 1024;
}
