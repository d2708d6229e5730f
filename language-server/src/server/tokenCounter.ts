import type { Engine } from '../engine/engine.ts';

const rememberedTexts = 20_000;

/** Counts tokens of lines, which are asked for again at every keystroke. */
export function createTokenCounter(): (engine: Engine) => (text: string) => number {
  let counts = new Map<string, number>();
  let countedBy: Engine | undefined;
  return (engine) => {
    if (countedBy !== engine || counts.size > rememberedTexts) counts = new Map();
    countedBy = engine;
    return (text) => {
      const known = counts.get(text);
      if (known !== undefined) return known;
      const count = engine.tokenize(text).length;
      counts.set(text, count);
      return count;
    };
  };
}
