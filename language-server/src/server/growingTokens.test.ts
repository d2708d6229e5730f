import { describe, expect, it } from 'vitest';
import { createFakeEngine } from '../engine/fake.ts';
import { createGrowingTokenizer } from './growingTokens.ts';

const lines = Array.from({ length: 60 }, (_, i) => `const value${i} = read(${i});\n`).join('');

/** Words, blanks and marks, as a vocabulary that never joins a line's end to the next line has them. */
const words = (text: string) => (text.match(/\w+|\s|[^\w\s]/g) ?? []).map(numberOf);
/** Pairs of characters, which cutting a text moves. */
const pairs = (text: string) => (text.match(/[\s\S]{1,2}/g) ?? []).map(numberOf);

function numberOf(text: string): number {
  return [...text].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 1_000_003, 7);
}

function counting(tokenize: (text: string) => number[]) {
  const units: number[] = [];
  const engine = {
    ...createFakeEngine(() => ''),
    tokenize(text: string) {
      units.push(text.length);
      return tokenize(text);
    },
  };
  return { engine, units };
}

describe('texts that grow', () => {
  it('have the tokens that they have as a whole, and only their end is tokenized again', () => {
    const { engine, units } = counting(words);
    const tokenize = createGrowingTokenizer();
    tokenize(engine, lines);
    units.length = 0;
    for (const text of [`${lines}con`, `${lines}const x`, lines.slice(0, -5)]) {
      expect(tokenize(engine, text)).toEqual(words(text));
    }
    expect(Math.max(...units)).toBeLessThan(400);
  });

  it('are tokenized as a whole where the vocabulary does not let them be cut', () => {
    const { engine } = counting(pairs);
    const tokenize = createGrowingTokenizer();
    for (const text of [`;${lines}`, `;${lines}const x`, lines]) expect(tokenize(engine, text)).toEqual(pairs(text));
  });

  it('are tokenized anew when they change before their end, and by another model', () => {
    const { engine } = counting(words);
    const tokenize = createGrowingTokenizer();
    tokenize(engine, lines);
    const changed = `let y;\n${lines}`;
    expect(tokenize(engine, changed)).toEqual(words(changed));
    expect(tokenize(counting(pairs).engine, lines)).toEqual(pairs(lines));
  });
});
