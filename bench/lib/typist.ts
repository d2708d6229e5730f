import { createRandom, logNormal } from './random.ts';
import { applyEdit, editOf, type OpenEvent, startText, type TraceEvent } from './trace.ts';

/** A part of the author's file that is to be typed: whole lines (first and last, from 1), or a text inside one line. */
export type Part =
  | { readonly path: string; readonly lines: readonly [number, number] }
  | { readonly path: string; readonly line: number; readonly text: string };

export interface Plan {
  readonly seed: number;
  readonly files: readonly { readonly path: string; readonly languageId: string; readonly text: string }[];
  /** In the order in which the person writes them; a change of place between two is a jump. */
  readonly parts: readonly Part[];
}

/** Log-normal pauses before a key, by what comes before it: median in ms, and sigma of the logarithm. */
const pauses = {
  letter: [125, 0.35],
  word: [190, 0.4],
  symbol: [230, 0.4],
  line: [350, 0.5],
  think: [1400, 0.6],
  notice: [380, 0.4],
  backspace: [110, 0.2],
  jump: [2500, 0.5],
} as const;
type Pause = keyof typeof pauses;

/** Of the letters that are followed by a letter. */
const slipShare = 0.05;
/** Of the line starts: the person thinks before the statement. */
const thinkShare = 0.35;

const closers: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '"': '"', "'": "'", '`': '`' };
const neighbours: Readonly<Record<string, string>> = Object.fromEntries(
  ['qwertyuiop', 'asdfghjkl', 'zxcvbnm'].flatMap((row) =>
    [...row].map((key, i) => [key, row[i + 1] ?? row[i - 1] ?? key]),
  ),
);

/**
 * A person who writes the parts, one after the other, into files that hold all the rest. The editor closes brackets and
 * quotes and keeps the indentation, as VS Code does by default; every slip is corrected, so that in the end each file is
 * its author's again.
 */
export function typeParts(plan: Plan): TraceEvent[] {
  const typist = createTypist(plan.seed);
  const regions = plan.parts.map((part) => locate(part, plan));
  const texts = new Map<string, string>();
  for (const file of plan.files) {
    const cuts = regions
      .filter(({ path }) => path === file.path)
      .map(({ from, to }): OpenEvent['cuts'][number] => [from, to])
      .sort((a, b) => a[0] - b[0]);
    typist.events.push({
      type: 'open',
      gapMs: typist.pause('jump'),
      path: file.path,
      languageId: file.languageId,
      cuts,
    });
    texts.set(file.path, startText(file.text, cuts));
  }
  for (const [index, region] of regions.entries()) {
    const missingBefore = regions
      .slice(index)
      .filter(({ path, from }) => path === region.path && from < region.from)
      .reduce((sum, { from, to }) => sum + to - from, 0);
    const offset = region.from - missingBefore;
    const text = texts.get(region.path) ?? '';
    const { unit, target, path } = region;
    texts.set(path, typist.write({ path, unit, target, text, offset }));
  }
  return typist.events;
}

interface Region {
  readonly path: string;
  readonly from: number;
  readonly to: number;
  readonly target: string;
  /** One level of indentation in this file. */
  readonly unit: string;
}

function locate(part: Part, plan: Plan): Region {
  const file = plan.files.find(({ path }) => path === part.path);
  if (file === undefined) throw new Error(`The plan has no file ${part.path}.`);
  const unit = /^(\t| {2,4})\S/m.exec(file.text)?.[1] ?? '  ';
  const lineStarts = [0, ...[...file.text.matchAll(/\n/g)].map((match) => match.index + 1)];
  const startOf = (line: number): number => lineStarts[line - 1] ?? file.text.length + 1;
  if ('lines' in part) {
    // From the end of the line above, where the person presses Enter.
    const [first, last] = part.lines;
    const [from, to] = [startOf(first) - 1, startOf(last + 1) - 1];
    return { path: part.path, from, to, target: file.text.slice(from, to), unit };
  }
  const from = file.text.indexOf(part.text, startOf(part.line));
  if (from < 0 || from >= startOf(part.line + 1)) throw new Error(`${part.path}:${part.line} has no “${part.text}”.`);
  return { path: part.path, from, to: from + part.text.length, target: part.text, unit };
}

interface Writing {
  readonly path: string;
  readonly unit: string;
  readonly target: string;
  readonly text: string;
  readonly offset: number;
}

interface Typist {
  readonly events: TraceEvent[];
  pause(kind: Pause): number;
  /** Writes one region and returns the file's text after it. */
  write(writing: Writing): string;
}

function createTypist(seed: number): Typist {
  const random = createRandom(seed);
  const events: TraceEvent[] = [];
  const pause = (kind: Pause): number => {
    const [median, sigma] = pauses[kind];
    return Math.round(logNormal(random, median, sigma));
  };
  return { events, pause, write: (writing) => writeRegion(writing, events, random, pause) };
}

function writeRegion(
  { path, unit, target, text: startingText, offset }: Writing,
  events: TraceEvent[],
  random: () => number,
  pause: (kind: Pause) => number,
): string {
  let text = startingText;
  let cursor = offset;
  /** What the editor closed by itself and still stands after the cursor; the nearest is last. */
  const tails: string[] = [];

  const press = (key: Extract<TraceEvent, { type: 'insert' | 'delete' }>): void => {
    const edit = editOf(key, cursor);
    text = applyEdit(text, edit);
    cursor = edit.cursor;
    events.push(key);
  };
  const lineBefore = (): string => text.slice(text.lastIndexOf('\n', cursor - 1) + 1, cursor);

  const enter = (next: string): number => {
    const line = lineBefore();
    const indent = /^[ \t]*/.exec(line)?.[0] ?? '';
    const opens = /[{([]\s*$/.test(line) || (/:\s*$/.test(line) && path.endsWith('.py'));
    const auto = indent + (opens ? unit : '');
    const tail = tails.at(-1);
    const splits = tail?.length === 1 && opens && closers[line.trimEnd().at(-1) ?? ''] === tail;
    const after = splits ? `\n${indent}` : undefined;
    if (after !== undefined) tails.push(after + (tails.pop() ?? ''));
    press({
      type: 'insert',
      gapMs: pause('word'),
      text: `\n${auto}`,
      ...(line !== '' && line.trim() === '' ? { trim: line.length } : {}),
      ...(after === undefined ? {} : { after }),
    });
    const wanted = /^[ \t]*/.exec(next)?.[0] ?? '';
    // The editor leaves the indentation on a blank line until the next Enter takes it away.
    if (next.startsWith('\n') || next === '') return 1;
    for (let have = auto.length; have < wanted.length; have += unit.length) {
      press({ type: 'insert', gapMs: pause('letter'), text: unit.slice(0, wanted.length - have) });
    }
    for (let have = auto.length; have > wanted.length; have -= unit.length) {
      press({ type: 'delete', gapMs: pause('backspace'), count: Math.min(unit.length, have - wanted.length) });
    }
    return 1 + wanted.length;
  };

  const slip = (rest: string): void => {
    const wrong = neighbours[rest[0]?.toLowerCase() ?? ''] ?? 'x';
    const goesOn = /^[a-z]{0,2}/i.exec(rest.slice(1))?.[0].slice(0, Math.floor(random() * 3)) ?? '';
    for (const letter of wrong + goesOn) press({ type: 'insert', gapMs: pause('letter'), text: letter });
    for (let i = 0; i <= goesOn.length; i++) {
      press({ type: 'delete', gapMs: pause(i === 0 ? 'notice' : 'backspace'), count: 1 });
    }
  };

  events.push({ type: 'jump', gapMs: pause('jump'), path, offset });
  for (let i = 0; i < target.length; ) {
    const rest = target.slice(i);
    const tail = tails.at(-1);
    const letter = target.charAt(i);
    if (tail !== undefined && tail.length > 1 && rest.startsWith(tail)) {
      tails.pop();
      cursor += tail.length;
      i += tail.length;
      events.push({ type: 'move', gapMs: pause('line'), offset: cursor });
    } else if (letter === '\n') {
      i += enter(rest.slice(1));
    } else if (tail === letter) {
      tails.pop();
      press({ type: 'insert', gapMs: pause('letter'), text: letter, over: 1 });
      i++;
    } else {
      if (/^[a-z]{2}/i.test(rest) && /\w$/.test(lineBefore()) && random() < slipShare) slip(rest);
      const after = autoClose(rest, lineBefore(), text.charAt(cursor));
      if (after !== undefined) tails.push(after);
      press({
        type: 'insert',
        gapMs: pause(pauseBefore(letter, lineBefore(), random)),
        text: letter,
        ...(after === undefined ? {} : { after }),
      });
      i++;
    }
  }
  return text;
}

function pauseBefore(letter: string, line: string, random: () => number): Pause {
  if (line.trim() === '') return random() < thinkShare ? 'think' : 'line';
  if (!/\w/.test(letter)) return letter === ' ' ? 'letter' : 'symbol';
  return /\w$/.test(line) ? 'letter' : 'word';
}

/** The closing character that the editor adds when `rest`'s first is typed; only where the author closes it too. */
function autoClose(rest: string, line: string, next: string): string | undefined {
  const opener = rest.charAt(0);
  const closer = closers[opener];
  if (closer === undefined || !/^[\s;:.,=})\]>`]?$/.test(next)) return undefined;
  if (opener !== closer) return closesLater(rest, opener, closer) ? closer : undefined;
  const insideQuotes = (line.split(opener).length - 1) % 2 === 1;
  if (insideQuotes || (/\w$/.test(line) && !/\bf$/.test(line))) return undefined;
  return /^(.)[^\n]*?\1/.test(rest) ? closer : undefined;
}

function closesLater(rest: string, opener: string, closer: string): boolean {
  let depth = 0;
  for (const character of rest) {
    if (character === opener) depth++;
    if (character === closer && --depth === 0) return true;
  }
  return false;
}
