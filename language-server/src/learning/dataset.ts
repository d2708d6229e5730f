import type { Example } from './example.ts';

/** One line of the trainer's data: ranges [from, to) of tokens to predict, each with its weight. */
export interface DatasetLine {
  readonly tokens: readonly number[];
  readonly labels: readonly (readonly [from: number, to: number, weight: number])[];
}

export interface Tokenizer {
  tokenize(text: string): readonly number[];
  detokenize(tokens: readonly number[]): string;
}

export interface Split {
  /** Oldest first. */
  readonly train: readonly Example[];
  /** The newest: what a candidate is judged on. */
  readonly heldOut: readonly Example[];
}

const heldOutShare = 0.2;
const heldOutAtLeast = 4;
const heldOutAtMost = 80;

/** Held out by time: what the developer wrote last is what comes next most alike. */
export function splitByTime(examples: readonly Example[]): Split {
  const sorted = examples.toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  const wanted = Math.max(heldOutAtLeast, Math.round(sorted.length * heldOutShare));
  const count = Math.min(sorted.length, wanted, heldOutAtMost);
  return { train: sorted.slice(0, sorted.length - count), heldOut: sorted.slice(sorted.length - count) };
}

/** The newest examples that fit the budget, oldest first; at least one. */
export function newestWithin(examples: readonly Example[], tokens: number, tokenizer: Tokenizer): readonly Example[] {
  let left = tokens;
  const from = examples.findLastIndex((example) => {
    left -= tokenizer.tokenize(example.text).length;
    return left < 0;
  });
  return examples.slice(Math.min(from + 1, Math.max(0, examples.length - 1)));
}

/** A line of code with fewer characters than this (blanks not counted) is nobody's: it may occur many times. */
const ownLineUnits = 8;

/** Lines that were met already and should not be predicted again. */
export interface SeenLines {
  /** Whether the line was met before; it is from now on. */
  meet(line: string): boolean;
  met(line: string): boolean;
}

export function createSeenLines(): SeenLines {
  const seen = new Set<string>();
  const essence = (line: string) => line.replace(/\s+/g, '');
  return {
    met: (line) => seen.has(essence(line)),
    meet(line) {
      const own = essence(line);
      if (own.length < ownLineUnits) return false;
      const before = seen.has(own);
      seen.add(own);
      return before;
    },
  };
}

/**
 * Training data: the loss goes over the whole window of the developer's own lines, with the event's span weighted by its
 * kind. Windows of one file overlap, so a line that a newer example has counts once only. Windows longer than `sequence`
 * tokens are cut.
 */
export function trainingLines(
  examples: readonly Example[],
  tokenizer: Tokenizer,
  sequence: number,
  seen: SeenLines = createSeenLines(),
): readonly DatasetLine[] {
  return examples
    .toReversed()
    .map((example) => {
      const weightOf = lineWeights(example.text, (line) => (seen.meet(line) ? 0 : 1));
      const inSpan = (at: number) => at >= example.spanStart && at < example.spanEnd;
      return cut(example.text, (at) => (inSpan(at) ? example.weight : weightOf(at)), tokenizer, sequence);
    })
    .toReversed()
    .flat();
}

/** Held-out data: lines that training has seen are given and not predicted, since knowing them by heart proves nothing. */
export function heldOutLines(
  examples: readonly Example[],
  tokenizer: Tokenizer,
  sequence: number,
  trained: SeenLines,
): readonly DatasetLine[] {
  return examples.flatMap((example) => {
    const weightOf = lineWeights(example.text, (line) => (trained.met(line) ? 0 : 1));
    return cut(example.text, weightOf, tokenizer, sequence);
  });
}

export function plainLines(texts: readonly string[], tokenizer: Tokenizer, sequence: number): readonly DatasetLine[] {
  return texts.flatMap((text) => cut(text, () => 1, tokenizer, sequence));
}

/** By UTF-16 unit of the text: the weight of the line that it belongs to. */
function lineWeights(text: string, weigh: (line: string) => number): (at: number) => number {
  const weights = new Float32Array(text.length + 1);
  let from = 0;
  for (const line of text.split('\n')) {
    weights.fill(weigh(line), from, from + line.length + 1);
    from += line.length + 1;
  }
  return (at) => weights[at] ?? 0;
}

function cut(text: string, weightAt: (at: number) => number, tokenizer: Tokenizer, sequence: number): DatasetLine[] {
  const tokens = tokenizer.tokenize(text);
  const starts = tokenStarts(tokens, tokenizer);
  const lines: DatasetLine[] = [];
  for (let from = 0; from < tokens.length; from += sequence) {
    const part = tokens.slice(from, from + sequence);
    const labels = ranges(part.map((_, i) => weightAt(starts[from + i] ?? 0)));
    if (part.length >= 2 && labels.length > 0) lines.push({ tokens: part, labels });
  }
  return lines;
}

/** Joins neighbours of equal weight; the first token of a window is given, and a weight of 0 is no label. */
function ranges(weights: readonly number[]): DatasetLine['labels'] {
  const found: [number, number, number][] = [];
  for (const [i, weight] of weights.entries()) {
    const last = found.at(-1);
    if (i === 0 || weight === 0) continue;
    if (last !== undefined && last[1] === i && last[2] === weight) last[1] = i + 1;
    else found.push([i, i + 1, weight]);
  }
  return found;
}

/** Where each token begins in the text, in UTF-16 units. A token that holds part of a character counts from the text so far. */
function tokenStarts(tokens: readonly number[], { detokenize }: Tokenizer): readonly number[] {
  let at = 0;
  return tokens.map((token, i) => {
    const start = at;
    const piece = detokenize([token]);
    at = piece.includes('\uFFFD')
      ? detokenize(tokens.slice(0, i + 1)).replace(/\uFFFD+$/, '').length
      : at + piece.length;
    return start;
  });
}

/** The lines that fit the budget, from the first on. */
export function firstTokens(lines: readonly DatasetLine[], tokens: number): readonly DatasetLine[] {
  let left = tokens;
  return lines.filter((line) => {
    left -= line.tokens.length;
    return left >= 0;
  });
}
