import type { InlineCompletionItem } from 'vscode-languageserver-protocol';
import {
  contentHashOf,
  type Example,
  type ExampleKind,
  kindWeights,
} from '../../language-server/src/learning/example.ts';
import { licenceLines } from '../../language-server/src/learning/hygiene/licence.ts';
import { createKeptLines, type KeptLines } from '../../language-server/src/learning/keptLines.ts';
import { around, cut, reachingUp } from '../../language-server/src/learning/window.ts';
import type { Client } from '../../test/lib/client.ts';
import type { ClientDocument } from '../../test/lib/document.ts';
import type { SourceFile } from '../corpora/corpus.ts';
import { createRandom } from '../lib/random.ts';

/** What a day of typing came to. */
export interface DayTotals {
  /** Requests at the start of a line's text, and of those the suggestions that equal the whole line. */
  lines: number;
  exactLines: number;
  /** Lines for which a suggestion was taken, in whole or in part. */
  taken: number;
  shown: number;
  accepted: number;
  partial: number;
  characters: number;
  /** Characters that came from suggestions. */
  kept: number;
  keystrokes: number;
}

export interface Day {
  readonly totals: DayTotals;
  readonly examples: readonly Example[];
  /** What was typed, by place; each ends a line. */
  readonly texts: readonly string[];
}

/** Lines `[from, to)` of a file, which the author types there while what stands above is written already. */
export interface Place {
  readonly file: SourceFile;
  readonly from: number;
  readonly to: number;
}

/** Asked at the start of a line's text and after each word that the developer types, so often. */
const asksPerLine = 3;
const linesAtAPlace = 20;

/** All places of the files, in an order of chance that is always the same: who works on many things goes from one to another. */
export function placesOf(files: readonly SourceFile[]): Place[] {
  const random = createRandom(3);
  return files
    .flatMap((file) => {
      const count = file.text.trimEnd().split('\n').length;
      const starts = Array.from({ length: Math.ceil(count / linesAtAPlace) }, (_, i) => i * linesAtAPlace);
      return starts.map((from) => ({ file, from, to: Math.min(count, from + linesAtAPlace) }));
    })
    .map((place) => ({ place, order: random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ place }) => place);
}

/**
 * Types place after place, line by line, until the day ends; a place that was begun is left there. The rule: a suggestion
 * whose first line equals the rest of the author's line is taken whole (one key); of one that begins as the author went
 * on, the whole words that agree are taken (a key each); otherwise the developer types their next word and asks again.
 * What the editor does by itself (indentation) is free. Places are taken from the front of `places`.
 */
export async function typeDay(
  client: Client,
  places: Place[],
  hasEnded: (totals: Readonly<DayTotals>) => boolean,
  about: { readonly firstMs: number; readonly prefix: string },
): Promise<Day> {
  const totals: DayTotals = {
    ...{ lines: 0, exactLines: 0, taken: 0, shown: 0, accepted: 0, partial: 0, characters: 0, kept: 0, keystrokes: 0 },
  };
  const examples: Example[] = [];
  const texts: string[] = [];
  const kept = createKeptLines();
  while (!hasEnded(totals)) {
    const place = places.shift();
    if (place === undefined) break;
    const { file, from } = place;
    const lines = file.text.split('\n').slice(0, place.to);
    const above = lines.slice(0, from).map((line) => `${line}\n`);
    const uri = `file:///replay/${file.package}/${file.path}`;
    const document = await client.open({ uri, languageId: 'javascript', text: above.join('') });
    const insert = (text: string): Promise<void> => document.edit(document.text().length, 0, text);
    const met: { readonly line: number; readonly kind: ExampleKind }[] = [];
    for (const [i, line] of lines.slice(from).entries()) {
      if (hasEnded(totals)) break;
      const code = line.trim();
      await insert(line.slice(0, line.length - line.trimStart().length));
      const keptBefore = totals.kept;
      const kind = code === '' ? undefined : await typeLine(client, document, insert, code, totals);
      if (totals.kept > keptBefore) totals.taken++;
      if (kind !== undefined) met.push({ line: from + i, kind });
      await insert('\n');
      if (code !== '') totals.keystrokes++;
    }
    const text = document.text();
    await document.close();
    texts.push(text.slice(above.join('').length));
    for (const { line, kind } of met) {
      const id = `${about.prefix}-${examples.length}`;
      examples.push(...exampleOf({ file, text, kept }, line, kind, id, about.firstMs + examples.length * 1000));
    }
  }
  return { totals, examples, texts };
}

async function typeLine(
  client: Client,
  document: ClientDocument,
  insert: (text: string) => Promise<void>,
  code: string,
  totals: DayTotals,
): Promise<ExampleKind | undefined> {
  let rest = code;
  let kind: ExampleKind | undefined;
  totals.lines++;
  totals.characters += code.length;
  for (let ask = 0; ask < asksPerLine && rest !== ''; ask++) {
    const answer = await client.complete(document, document.text().length);
    const offer = answer.kind === 'items' ? firstLine(answer.items[0]) : '';
    if (offer !== '') totals.shown++;
    if (offer === rest) {
      if (ask === 0) totals.exactLines++;
      totals.accepted++;
      totals.kept += rest.length;
      totals.keystrokes++;
      await insert(rest);
      return kind ?? 'accepted';
    }
    const words = agreeingWords(offer, rest);
    const taken = words.join('');
    if (taken !== '') {
      totals.partial++;
      totals.kept += taken.length;
      totals.keystrokes += words.length;
      kind = 'partial';
      await insert(taken);
      rest = rest.slice(taken.length);
    } else if (offer !== '') kind ??= 'typedInstead';
    const typed = /^\s*(?:[\w$]+|[^\s\w$])/.exec(rest)?.[0] ?? rest;
    totals.keystrokes += typed.length;
    await insert(typed);
    rest = rest.slice(typed.length);
  }
  totals.keystrokes += rest.length;
  await insert(rest);
  return kind;
}

/** The whole words at the beginning of the offer that the author wrote too. */
export function agreeingWords(offer: string, rest: string): string[] {
  const words: string[] = [];
  let at = 0;
  for (const [word] of offer.matchAll(/\s*(?:[\w$]+|[^\s\w$])/g)) {
    const next = rest.charAt(at + word.length);
    const wholeWord = !/[\w$]$/.test(word) || !/[\w$]/.test(next);
    if (!rest.startsWith(word, at) || !wholeWord) break;
    words.push(word);
    at += word.length;
  }
  return words;
}

function firstLine(item: InlineCompletionItem | undefined): string {
  const text = item?.insertText;
  return typeof text === 'string' ? (text.split('\n')[0]?.trimEnd() ?? '') : '';
}

/** As the product makes it when the developer leaves the place: the lines around as they then stand; none of very long ones. */
function exampleOf(
  { file, text, kept }: { readonly file: SourceFile; readonly text: string; readonly kept: KeptLines },
  line: number,
  kind: ExampleKind,
  id: string,
  createdAtMs: number,
): Example[] {
  const lines = text.split('\n');
  const start = lines.slice(0, line).reduce((at, each) => at + each.length + 1, 0);
  const end = start + (lines[line] ?? '').length;
  const path = `${file.package}/${file.path}`;
  const licence = licenceLines(lines);
  const mayUse = (each: number): boolean => each >= licence;
  const near = around({ from: line, to: line + 1 }, lines.length - 1, mayUse);
  const range = near && reachingUp(near, lines, mayUse, (each) => kept.isFresh(path, each));
  const window = range && cut(text, start, end, range);
  if (window === undefined) return [];
  kept.keep(path, window.text);
  const example: Example = {
    ...{ id, kind, repository: 'replay#1', path, languageId: 'javascript' },
    ...{ ...window, weight: kindWeights[kind], createdAtMs },
    contentHash: contentHashOf(window.text, window.spanStart, window.spanEnd),
  };
  return [example];
}
