import { describe, expect, it } from 'vitest';
import { createSeenLines, heldOutLines, newestWithin, splitByTime, trainingLines } from './dataset.ts';
import { contentHashOf, type Example } from './example.ts';

/** One token a character. */
const letters = {
  tokenize: (text: string) => Array.from(text, (letter) => letter.codePointAt(0) ?? 0),
  detokenize: (tokens: readonly number[]) => String.fromCodePoint(...tokens),
};

function example(text: string, at = 1, span: readonly [number, number] = [0, 0], weight = 2): Example {
  return {
    ...{ id: `e${at}`, kind: 'typedInstead', repository: 'r', path: 'a.js', languageId: 'javascript', text },
    ...{ spanStart: span[0], spanEnd: span[1], weight, createdAtMs: at, contentHash: contentHashOf(text, ...span) },
  };
}

describe('the dataset', () => {
  it('holds the newest out', () => {
    const { train, heldOut } = splitByTime([3, 1, 2, 5, 4, 6].map((at) => example('x', at)));
    expect(train.map(({ createdAtMs }) => createdAtMs)).toEqual([1, 2]);
    expect(heldOut.map(({ createdAtMs }) => createdAtMs)).toEqual([3, 4, 5, 6]);
  });

  it('predicts the whole window, and the span by its weight', () => {
    const text = 'const a = 1;\nlet b = 2;';
    const span = text.indexOf('b =');
    const [line] = trainingLines([example(text, 1, [span, span + 5])], letters, 64);
    expect(line?.tokens).toEqual(letters.tokenize(text));
    expect(line?.labels).toEqual([
      [1, span, 1],
      [span, span + 5, 2],
      [span + 5, text.length, 1],
    ]);
  });

  it('predicts a line that several windows share once, in the newest', () => {
    const shared = 'function same() {';
    const lines = trainingLines(
      [example(`old line one\n${shared}`, 1), example(`${shared}\nnew line two`, 2)],
      letters,
      64,
    );
    expect(lines.map(({ labels }) => labels)).toEqual([[[1, 13, 1]], [[1, 30, 1]]]);
  });

  it('does not judge by lines that were trained on, whatever their indentation', () => {
    const seen = createSeenLines();
    trainingLines([example('return compute(value)')], letters, 64, seen);
    const [held] = heldOutLines([example('  return compute(value)\nsomething else')], letters, 64, seen);
    expect(held?.labels).toEqual([[24, 38, 1]]);
    expect(heldOutLines([example('return compute(value)')], letters, 64, seen)).toEqual([]);
  });

  it('cuts long windows, and finds the span behind characters of several tokens', () => {
    const bytes = {
      tokenize: (text: string) => [...Buffer.from(text)],
      detokenize: (tokens: readonly number[]) => Buffer.from(tokens).toString(),
    };
    const text = '"🦊" + name';
    const [first, second] = trainingLines([example(text, 1, [7, 11], 3)], bytes, 9);
    expect(first?.labels).toEqual([[1, 9, 1]]);
    expect(second?.tokens).toEqual([...Buffer.from('name')]);
    expect(second?.labels).toEqual([[1, 4, 3]]);
  });

  it('takes the newest that fit, and one at least', () => {
    const examples = [example('aaaa', 1), example('bbbb', 2), example('cccc', 3)];
    expect(newestWithin(examples, 9, letters)).toHaveLength(2);
    expect(newestWithin(examples, 1, letters)).toHaveLength(1);
    expect(newestWithin(examples, 99, letters)).toHaveLength(3);
  });
});
