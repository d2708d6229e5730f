import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import type { AdapterBase } from '../learning/adapterVersions.ts';
import { type DatasetLine, datasetOf, splitByTime } from '../learning/dataset.ts';
import type { TrainerHost } from '../learning/trainer.ts';
import type { ExampleStore } from '../store/exampleStore.ts';
import type { LocalTrainer } from './localTrainer.ts';
import { nativeTrainer } from './nativeTrainer.ts';

export interface ExampleTrainerOptions {
  readonly host: TrainerHost;
  readonly engine: Engine;
  readonly base: AdapterBase;
  readonly store: ExampleStore;
  /** Examples of this repository only: what the person agreed to. */
  readonly repository: string;
  readonly folder: string;
}

const mostExamples = 2000;

/** The trainer on the stored examples of the enrolled repository. */
export function exampleTrainer(options: ExampleTrainerOptions): LocalTrainer {
  const { host, engine, base, store, repository, folder } = options;
  return nativeTrainer({
    host,
    model: base.gguf,
    modelSha256: base.sha256,
    threads: 1,
    tokenize: (text) => engine.tokenize(text),
    folder,
    async files(sequence, signal) {
      const examples = await store.list({ repositories: [repository], limit: mostExamples }, signal);
      const { train, heldOut } = datasetOf(splitByTime(examples), engine, sequence);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const paths = { train: join(folder, 'train.jsonl'), heldOut: join(folder, 'held-out.jsonl') };
      await writeFile(paths.train, text(train), { mode: 0o600 });
      await writeFile(paths.heldOut, text(heldOut), { mode: 0o600 });
      return { ...paths, trainTokens: tokens(train), heldOutTokens: tokens(heldOut) };
    },
  });
}

function text(lines: readonly DatasetLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function tokens(lines: readonly DatasetLine[]): number {
  return lines.reduce((sum, line) => sum + line.tokens.length, 0);
}
