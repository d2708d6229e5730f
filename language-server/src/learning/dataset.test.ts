import { describe, expect, it } from 'vitest';
import { type DatasetLine, datasetOf, newestWithin, plainLines, splitByTime } from './dataset.ts';
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

  const trained = (examples: readonly Example[], sequence = 64, tokenizer = letters) =>
    datasetOf({ train: examples, heldOut: [] }, tokenizer, sequence).train;
  /** The text of what is predicted, by line of the dataset. */
  const predicted = (lines: readonly DatasetLine[]) =>
    lines.map(({ tokens, labels }) => labels.map(([from, to]) => letters.detokenize(tokens.slice(from, to))));

  it('predicts the whole window, and the span by its weight', () => {
    const text = 'const a = 1;\nlet bee = 2;\n';
    const span = text.indexOf('bee');
    const [line] = trained([example(text, 1, [span, span + 5])]);
    expect(line?.tokens).toEqual(letters.tokenize(text));
    expect(line?.labels).toEqual([
      [1, span, 1],
      [span, span + 5, 2],
      [span + 5, text.length, 1],
    ]);
  });

  it('predicts a line that several windows share once, in the newest, and nothing stands behind', () => {
    const shared = 'function same() {';
    const lines = trained([example(`old line one\n${shared}\n`, 1), example(`${shared}\nnew line two\n`, 2)]);
    expect(lines.map(({ labels }) => labels)).toEqual([[[1, 13, 1]], [[1, 31, 1]]]);
    expect(lines[0]?.tokens).toEqual(letters.tokenize('old line one\n'));
    // Of two files both say how the developer writes.
    const inTwo = [example(`${shared}\n`, 1), { ...example(`${shared}\n`, 2), path: 'b.js' }];
    expect(trained(inTwo).map(({ labels }) => labels)).toEqual([[[1, 18, 1]], [[1, 18, 1]]]);
    // What the older one was about keeps its weight there, however it is indented now.
    const about = example('start()\nreturn value\n', 1, [8, 20], 3);
    const [line] = trained([about, example('begin here:\n  return value\n', 2)]);
    expect(line?.labels).toEqual([
      [1, 14, 1],
      [14, 26, 3],
      [26, 27, 1],
    ]);
  });

  it('does not judge by lines that were trained on, whatever their indentation, nor by everybody’s', () => {
    const train = [{ ...example('return compute(value)'), path: 'b.js' }];
    const judged = (text: string) => predicted(datasetOf({ train, heldOut: [example(text, 2)] }, letters, 64).heldOut);
    expect(judged('  return compute(value)\n})\nsomething else')).toEqual([['something else']]);
    expect(judged('return compute(value)\n})')).toEqual([]);
  });

  it('judges by what is written last at a place, though training has that place', () => {
    const text = 'firstLine(of)\nsecondLine(of)\nthirdLine(of)\n';
    const about = (line: string, at: number) =>
      example(text, at, [text.indexOf(line), text.indexOf(line) + line.length]);
    const split = {
      train: [about('firstLine(of)', 1)],
      heldOut: [about('secondLine(of)', 2), about('thirdLine(of)', 3)],
    };
    const { train, heldOut } = datasetOf(split, letters, 64);
    expect(predicted(train)).toEqual([['irstLine(of)', '\n']]);
    expect(predicted(heldOut)).toEqual([['secondLine(of)\n'], ['thirdLine(of)\n']]);
    // Elsewhere the same line is learnt.
    const elsewhere = { ...about('secondLine(of)', 1), path: 'b.js' };
    expect(
      predicted(datasetOf({ ...split, train: [elsewhere] }, letters, 64).train)
        .flat()
        .join(''),
    ).toContain('second');
  });

  it('has before a line what stood above it, though its window began there', () => {
    const line = (i: number) => `line.number(${i})\n`;
    const window = (from: number, to: number) =>
      example(Array.from({ length: to - from }, (_, i) => line(from + i)).join(''), from + 1);
    const [whole, ...more] = trained([window(0, 4), window(1, 5), window(2, 6)], 1024);
    expect(more).toEqual([]);
    expect(whole?.tokens).toEqual(letters.tokenize(window(0, 6).text));
  });

  it('trains on what stood far above a held-out place, and judges by what is near', () => {
    const old = Array.from({ length: 30 }, (_, i) => `earlier.line(${i + 10})\n`);
    const text = `${old.join('')}written.last()\n`;
    const at = text.indexOf('written');
    const { train, heldOut } = datasetOf({ train: [], heldOut: [example(text, 1, [at, at + 14])] }, letters, 1024);
    expect(predicted(train)).toEqual([[old.slice(0, 6).join('').slice(1)]]);
    expect(predicted(heldOut)).toEqual([[`${old.slice(6).join('')}written.last()\n`.slice(1)]]);
  });

  it('cuts long windows with some context, and finds the span behind characters of several tokens', () => {
    const bytes = {
      tokenize: (text: string) => [...Buffer.from(text)],
      detokenize: (tokens: readonly number[]) => Buffer.from(tokens).toString(),
    };
    const text = '"🦊" + name\n';
    const [first, second] = trained([example(text, 1, [7, 11], 3)], 9, bytes);
    expect(first?.labels).toEqual([[1, 9, 1]]);
    expect(second?.tokens).toEqual([...Buffer.from('" + name\n')]);
    expect(second?.labels).toEqual([
      [4, 8, 3],
      [8, 9, 1],
    ]);
    expect(plainLines(['abcdefgh'], letters, 4).map(({ labels }) => labels)).toEqual([
      [[1, 4, 1]],
      [[1, 4, 1]],
      [[1, 2, 1]],
    ]);
  });

  it('takes the newest that fit, and one at least', () => {
    const examples = [example('aaaa', 1), example('bbbb', 2), example('cccc', 3)];
    expect(newestWithin(examples, 9, letters)).toHaveLength(2);
    expect(newestWithin(examples, 1, letters)).toHaveLength(1);
    expect(newestWithin(examples, 99, letters)).toHaveLength(3);
    const shared = [1, 2, 3].map((at) => example(`const own = ${at};\nfunction shared() {`, at));
    expect(newestWithin(shared, 70, letters)).toHaveLength(3);
  });
});
