import { resolve } from 'node:path';
import { provideCorpora, type SourceFile } from '../../corpora/corpus.ts';
import { grouped } from '../../corpora/split.ts';
import { modelPath } from '../product.ts';
import { openPromptEngine } from '../promptEngine.ts';
import type { Example } from './workshop.ts';

export const windowTokens = 256;
export const publicPerPackage = 4;
const runTokens = 24;

export interface Author {
  readonly name: string;
  /** Windows of the training split, by package, oldest first. */
  readonly train: readonly Example[];
  readonly valid: readonly Example[];
  readonly test: readonly Example[];
  /** Of the test split: turns nats a token into bits a byte. */
  readonly tokensPerByte: number;
}

export interface Code {
  readonly authors: readonly Author[];
  /** Windows of packages by others, so many of each, which anybody may read. None shares a long run of tokens with an author. */
  publicWindows(perPackage?: number): Promise<readonly Example[]>;
  tokenize(text: string): readonly number[];
}

/** The authors' code as windows of whole tokens; a file's last, shorter window is left out. */
export async function readCode(progress: (line: string) => void): Promise<Code> {
  const engine = await openPromptEngine(modelPath(), 2048);
  const windows = (files: readonly SourceFile[]): readonly Example[] =>
    files.flatMap(({ text }) => {
      const tokens = engine.tokenize(text);
      return Array.from({ length: Math.floor(tokens.length / windowTokens) }, (_, i) => ({
        tokens: tokens.slice(i * windowTokens, (i + 1) * windowTokens),
      }));
    });
  const corpora = await provideCorpora({ progress });
  const authors = corpora.map(({ author, train, valid, test }) => {
    const tokens = test.reduce((sum, { text }) => sum + engine.tokenize(text).length, 0);
    const bytes = test.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    return {
      name: author,
      train: windows(train),
      valid: windows(valid),
      test: windows(test),
      tokensPerByte: tokens / bytes,
    };
  });
  async function publicWindows(perPackage = publicPerPackage): Promise<readonly Example[]> {
    const [others] = await provideCorpora({
      manifest: resolve(import.meta.dirname, '../../corpora/public.json'),
      progress,
    });
    if (others === undefined) throw new Error('The manifest of public packages names none.');
    const known = new Set(authors.flatMap(({ train, valid, test }) => [...train, ...valid, ...test].flatMap(runsOf)));
    const packages = [...grouped([...others.train, ...others.valid, ...others.test], (file) => file.package).values()];
    return packages.flatMap((files) => {
      const own = windows(files).filter((window) => !runsOf(window).some((run) => known.has(run)));
      return spread(own, perPackage);
    });
  }
  return { authors, publicWindows, tokenize: (text) => engine.tokenize(text) };
}

/** Each run of tokens that is too long for chance, as text. */
function runsOf({ tokens }: Example): readonly string[] {
  return tokens.slice(0, -runTokens + 1).map((_, i) => tokens.slice(i, i + runTokens).join(' '));
}

/** `count` of them, evenly over the whole, so that many packages are met. */
export function spread<T>(items: readonly T[], count: number): readonly T[] {
  const step = items.length / count;
  return Array.from(
    { length: Math.min(count, items.length) },
    (_, i) => items[Math.floor(i * Math.max(1, step))],
  ).flatMap((item) => (item === undefined ? [] : [item]));
}
