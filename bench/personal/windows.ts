import type { Engine } from '../../language-server/src/engine/engine.ts';
import { createRandom } from '../lib/random.ts';

export type Tokenizer = Pick<Engine, 'tokenize' | 'detokenize'>;

/** Consecutive tokens of one file; the first is given, the others are predicted. */
export interface Window {
  readonly tokens: readonly number[];
  /** UTF-8 bytes of the predicted tokens. */
  readonly bytes: number;
}

const shortestWindow = 16;

/** Cuts texts into windows of at most `length` tokens; a shorter rest is a window too. */
export function cutWindows(texts: readonly string[], length: number, { tokenize, detokenize }: Tokenizer): Window[] {
  return texts.flatMap((text) => {
    const tokens = tokenize(text);
    const windows: Window[] = [];
    for (let from = 0; from + shortestWindow <= tokens.length; from += length) {
      const part = tokens.slice(from, from + length);
      const bytes = Buffer.byteLength(detokenize(part)) - Buffer.byteLength(detokenize(part.slice(0, 1)));
      windows.push({ tokens: part, bytes });
    }
    return windows;
  });
}

/** Windows from all over, in an order of chance that is always the same, up to `tokens` in all: a larger choice holds a smaller one. */
export function chooseWindows(windows: readonly Window[], tokens: number, seed: number): Window[] {
  const random = createRandom(seed);
  const shuffled = windows.map((window) => ({ window, order: random() })).toSorted((a, b) => a.order - b.order);
  const chosen: Window[] = [];
  let left = tokens;
  for (const { window } of shuffled) {
    if (left < shortestWindow) break;
    const part = window.tokens.length <= left ? window : undefined;
    if (part === undefined) continue;
    chosen.push(part);
    left -= part.tokens.length;
  }
  return chosen;
}
