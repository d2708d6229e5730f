import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readGguf } from '../language-server/src/engine/gguf.ts';
import { loadLibrary } from '../language-server/src/engine/library.ts';
import type { LocalTrainer } from '../language-server/src/federation/localTrainer.ts';
import { nativeTrainer } from '../language-server/src/federation/nativeTrainer.ts';
import { sha256OfFile } from '../language-server/src/learning/adapterFile.ts';
import { findTrainer } from '../language-server/src/learning/trainer.ts';

export interface NativeSettings {
  /** The repository, for the trainer and its libraries. */
  readonly root: string;
  readonly model: string;
  /** Texts of this member's files. */
  readonly train: readonly string[];
  readonly heldOut: readonly string[];
  /** At most so many tokens of each, whole windows. */
  readonly trainTokens: number;
  readonly heldOutTokens: number;
  /** One where it is left out: several members share a machine. */
  readonly threads?: number;
}

/** The real trainer on given texts in place of stored examples. */
export async function nativeMemberTrainer(
  settings: NativeSettings,
  home: string,
  signal: AbortSignal,
): Promise<LocalTrainer> {
  const host = findTrainer(settings.root, process.platform, process.arch);
  if ('missing' in host) throw new Error(host.missing);
  const model = await readGguf(settings.model, signal);
  if (!model.ok) throw new Error(model.message);
  const folder = join(home, 'texts');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const tokenize = await tokenizerOf(settings.model);
  const windows = (texts: readonly string[], most: number, sequence: number) =>
    windowsOf(texts.map(tokenize), most, sequence);
  return nativeTrainer({
    host,
    model: model.gguf,
    modelSha256: await sha256OfFile(settings.model),
    threads: settings.threads ?? 1,
    tokenize,
    folder,
    async files(sequence) {
      const train = windows(settings.train, settings.trainTokens, sequence);
      const heldOut = windows(settings.heldOut, settings.heldOutTokens, sequence);
      const paths = { train: join(folder, 'train.jsonl'), heldOut: join(folder, 'held-out.jsonl') };
      await writeFile(paths.train, linesOf(train));
      await writeFile(paths.heldOut, linesOf(heldOut));
      return { ...paths, trainTokens: train.flat().length, heldOutTokens: heldOut.flat().length };
    },
  });
}

/** The model's own tokenizer, without its weights. */
export async function tokenizerOf(modelPath: string): Promise<(text: string) => readonly number[]> {
  const { llama } = await loadLibrary({ gpu: 'off', threads: 0, log: () => undefined });
  const model = await llama.loadModel({ modelPath, vocabOnly: true });
  return (text) => model.tokenize(text);
}

/** Windows of at most `sequence` tokens, taken from the files in turn until there are `most` tokens. */
export function windowsOf(
  files: readonly (readonly number[])[],
  most: number,
  sequence: number,
): readonly (readonly number[])[] {
  const windows: (readonly number[])[] = [];
  let left = most;
  for (const tokens of files) {
    for (let from = 0; from < tokens.length && left > 0; from += sequence) {
      const window = tokens.slice(from, Math.min(from + sequence, from + left));
      if (window.length > 1) windows.push(window);
      left -= window.length;
    }
  }
  return windows;
}

/** Writes a file of windows for the trainer; gives its path. */
export async function tokenFile(
  path: string,
  files: readonly (readonly number[])[],
  most: number,
  sequence: number,
): Promise<string> {
  await writeFile(path, linesOf(windowsOf(files, most, sequence)));
  return path;
}

export function linesOf(windows: readonly (readonly number[])[]): string {
  return windows.map((tokens) => `${JSON.stringify({ tokens })}\n`).join('');
}
