import type { Example } from './example.ts';
import { joinWindows } from './joinWindows.ts';
import { essenceOf, isOwnLine } from './ownLine.ts';
import { splitFar } from './window.ts';

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

/**
 * The newest examples that fit the budget, oldest first; at least one. A line that a newer one of its file has costs
 * nothing, since it is predicted once.
 */
export function newestWithin(examples: readonly Example[], tokens: number, tokenizer: Tokenizer): readonly Example[] {
  const seen = createSeenLines();
  let left = tokens;
  const from = examples.findLastIndex((example) => {
    const file = fileOf(example);
    const lines = example.text.split('\n');
    const fresh = lines.filter((line) => !seen.inFile(file, line));
    for (const line of lines) seen.add(file, line);
    left -= tokenizer.tokenize(fresh.join('\n')).length;
    return left < 0;
  });
  return examples.slice(Math.min(from + 1, Math.max(0, examples.length - 1)));
}

/** Lines of the developer's own, whatever their indentation. */
interface SeenLines {
  inFile(file: string, line: string): boolean;
  anywhere(line: string): boolean;
  add(file: string, line: string): void;
}

function createSeenLines(): SeenLines {
  const seen = new Set<string>();
  const inFile = (file: string, line: string) => `${file}\n${essenceOf(line)}`;
  return {
    inFile: (file, line) => seen.has(inFile(file, line)),
    anywhere: (line) => seen.has(essenceOf(line)),
    add(file, line) {
      if (isOwnLine(line)) seen.add(essenceOf(line)).add(inFile(file, line));
    },
  };
}

export interface Dataset {
  readonly train: readonly DatasetLine[];
  /** Empty where nothing of the held-out examples would prove anything. */
  readonly heldOut: readonly DatasetLine[];
}

/** What a piece to train on has before the first token that it predicts. */
const trainingContext = 32;

/**
 * To train on: the loss goes over the whole window of the developer's own lines, with what events were about weighted by
 * their kind. Windows of one file overlap: they are joined to one text where they agree, and a line is predicted in the
 * newest text of its file that has it; one that a held-out example of that file is about is not predicted at all.
 *
 * To judge on: the lines near what each held-out example is about; what stood far above them is older code, and trained
 * on. Lines that training has seen are given and not predicted, since knowing them by heart proves nothing. A line that
 * several windows share is judged once, so that no pair repeats another.
 *
 * Both are cut to pieces of at most `sequence` tokens. Half of a piece to judge on may be context. Pieces to train on have
 * little: steps that predict few tokens each are many, and learn them by heart.
 */
export function datasetOf(split: Split, tokenizer: Tokenizer, sequence: number): Dataset {
  const seen = createSeenLines();
  const parted = split.heldOut.map((example) => ({ example, ...splitFar(example) }));
  const heldOut = parted.map(({ example, near }) => ({ ...example, ...near }));
  const [marks, heldBack] = [marksOf(split.train), marksOf(heldOut)];
  const context = Math.min(trainingContext, sequence >> 1);
  const written = [
    ...split.train.map((example) => ({ file: fileOf(example), text: example.text })),
    ...parted.map(({ example, far }) => ({ file: fileOf(example), text: far })),
  ];
  const trainLines = joinWindows(written)
    .toReversed()
    .map(({ file, text }) => {
      const held = heldBack.get(file);
      const isFree = (line: string) => !held?.has(essenceOf(line));
      const weights = weightsOf(text, (line) => isFree(line) && !seen.inFile(file, line), marks.get(file));
      for (const line of text.split('\n').filter(isFree)) seen.add(file, line);
      return cut(text, weights, tokenizer, sequence, context);
    })
    .toReversed()
    .flat();
  const judged = judgedIn(heldOut);
  const heldOutLines = heldOut.flatMap((example) => {
    const isNew = (line: string) => judged.get(essenceOf(line)) === example && !seen.anywhere(line);
    // One piece of each, since pieces of one window depend on each other.
    return cut(example.text, weightsOf(example.text, isNew), tokenizer, sequence, sequence >> 1).slice(0, 1);
  });
  return { train: trainLines, heldOut: heldOutLines };
}

/** Part of a line that an event was about, in units from the line's first that is no blank. */
interface Mark {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}
/** By the essence of the line. */
type Marks = ReadonlyMap<string, readonly Mark[]>;

/** By file: what the examples are about, of lines of the developer's own. */
function marksOf(examples: readonly Example[]): ReadonlyMap<string, Marks> {
  const byFile = new Map<string, Map<string, Mark[]>>();
  for (const example of examples) {
    const marks = byFile.get(fileOf(example)) ?? new Map<string, Mark[]>();
    byFile.set(fileOf(example), marks);
    for (const { line, at } of linesOfSpan(example)) {
      if (!isOwnLine(line)) continue;
      const start = at + indentOf(line);
      const [from, to] = [Math.max(0, example.spanStart - start), example.spanEnd - start];
      marks.set(essenceOf(line), [...(marks.get(essenceOf(line)) ?? []), { from, to, weight: example.weight }]);
    }
  }
  return byFile;
}

/** Which example each line of their own is judged in: the one that is about it, else the newest that has it. */
function judgedIn(heldOut: readonly Example[]): ReadonlyMap<string, Example> {
  const found = new Map<string, Example>();
  const newestFirst = heldOut.toReversed();
  for (const linesIn of [linesOfSpan, ({ text }: Example) => linesOf(text)]) {
    for (const example of newestFirst) {
      for (const { line } of linesIn(example)) {
        if (isOwnLine(line) && !found.has(essenceOf(line))) found.set(essenceOf(line), example);
      }
    }
  }
  return found;
}

function fileOf({ repository, path }: Example): string {
  return `${repository}\n${path}`;
}

/** Each line with where it begins. */
function linesOf(text: string): { readonly line: string; readonly at: number }[] {
  let at = 0;
  return text.split('\n').map((line) => {
    const here = { line, at };
    at += line.length + 1;
    return here;
  });
}

function linesOfSpan({ text, spanStart, spanEnd }: Example) {
  return linesOf(text).filter(({ line, at }) => at + line.length >= spanStart && at <= spanEnd);
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

export function plainLines(texts: readonly string[], tokenizer: Tokenizer, sequence: number): readonly DatasetLine[] {
  return texts.flatMap((text) => cut(text, new Float64Array(text.length).fill(1), tokenizer, sequence, 1));
}

/** By UTF-16 unit of the text. Lines that are nobody's go with the line above. */
function weightsOf(text: string, isNew: (line: string) => boolean, marks?: Marks): Float64Array {
  const weights = new Float64Array(text.length + 1);
  let counts = false;
  for (const { line, at } of linesOf(text)) {
    if (isOwnLine(line)) counts = isNew(line);
    if (!counts) continue;
    const start = at + indentOf(line);
    weights.fill(1, at, at + line.length + 1);
    for (const { from, to, weight } of marks?.get(essenceOf(line)) ?? []) {
      weights.fill(weight, start + from, Math.min(start + to, at + line.length));
    }
  }
  return weights;
}

/**
 * Pieces of at most `sequence` tokens with something to predict, each token once. At most `context` tokens are given before
 * the first of them, and none after the last.
 */
function cut(
  text: string,
  weightAt: Float64Array,
  tokenizer: Tokenizer,
  sequence: number,
  context: number,
): DatasetLine[] {
  const tokens = tokenizer.tokenize(text);
  const weights = tokenStarts(tokens, tokenizer).map((at, i) => (i === 0 ? 0 : (weightAt[at] ?? 0)));
  const lines: DatasetLine[] = [];
  let next = weights.findIndex((weight) => weight > 0);
  while (next !== -1) {
    const start = Math.max(0, next - context);
    const end = start + sequence;
    const labels = ranges(weights.slice(next, end), next - start);
    lines.push({ tokens: tokens.slice(start, start + (labels.at(-1)?.[1] ?? 0)), labels });
    next = weights.findIndex((weight, i) => i >= end && weight > 0);
  }
  return lines;
}

/** Joins neighbours of equal weight; a weight of 0 is no label. */
function ranges(weights: readonly number[], offset: number): DatasetLine['labels'] {
  const found: [number, number, number][] = [];
  for (const [i, weight] of weights.entries()) {
    const last = found.at(-1);
    const at = offset + i;
    if (weight === 0) continue;
    if (last !== undefined && last[1] === at && last[2] === weight) last[1] = at + 1;
    else found.push([at, at + 1, weight]);
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

/** How many tokens are predicted. */
export function labelledTokens(lines: readonly DatasetLine[]): number {
  return lines.reduce((sum, { labels }) => sum + labels.reduce((own, [from, to]) => own + to - from, 0), 0);
}
