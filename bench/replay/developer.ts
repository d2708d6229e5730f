import type { InlineCompletionItem } from 'vscode-languageserver-protocol';
import {
  contentHashOf,
  type Example,
  type ExampleKind,
  kindWeights,
} from '../../language-server/src/learning/example.ts';
import type { Client } from '../../test/lib/client.ts';
import type { SourceFile } from '../corpora/corpus.ts';

/** What a day of typing came to. */
export interface DayTotals {
  /** Requests at the start of a line's text, and of those the suggestions that equal the whole line. */
  lines: number;
  exactLines: number;
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
}

/** Lines around an event that become its example. */
const windowLines = 12;
/** Asked at the start of a line's text and after each word that the developer types, so often. */
const asksPerLine = 3;

/**
 * Types the author's files line by line. The rule: a suggestion whose first line equals the rest of the author's line is
 * taken whole (one key); of one that begins as the author went on, the whole words that agree are taken (a key each);
 * otherwise the developer types their next word and asks again. What the editor does by itself (indentation) is free.
 */
export async function typeDay(
  client: Client,
  files: readonly SourceFile[],
  mostLines: number,
  about: { readonly firstMs: number; readonly prefix: string },
): Promise<Day> {
  const totals: DayTotals = {
    ...{ lines: 0, exactLines: 0, shown: 0, accepted: 0, partial: 0, characters: 0, kept: 0, keystrokes: 0 },
  };
  const examples: Example[] = [];
  for (const file of files) {
    if (totals.lines >= mostLines) break;
    const lines = file.text.split('\n');
    const uri = `file:///replay/${file.package}/${file.path}`;
    const document = await client.open({ uri, languageId: 'javascript', text: '' });
    let at = 0;
    const insert = async (text: string): Promise<void> => {
      await document.edit(at, 0, text);
      at += text.length;
    };
    for (const [index, line] of lines.entries()) {
      if (totals.lines >= mostLines) break;
      const code = line.trim();
      await insert(line.slice(0, line.length - line.trimStart().length));
      if (code.length > 0) {
        const kind = await typeLine(client, document, () => at, insert, code, totals);
        if (kind !== undefined) {
          const id = `${about.prefix}-${examples.length}`;
          examples.push(makeExample(file, lines, index, kind, id, about.firstMs + examples.length * 1000));
        }
      }
      await insert('\n');
      if (code !== '') totals.keystrokes++;
    }
    await document.close();
  }
  return { totals, examples };
}

async function typeLine(
  client: Client,
  document: Awaited<ReturnType<Client['open']>>,
  cursor: () => number,
  insert: (text: string) => Promise<void>,
  code: string,
  totals: DayTotals,
): Promise<ExampleKind | undefined> {
  let rest = code;
  let kind: ExampleKind | undefined;
  totals.lines++;
  totals.characters += code.length;
  for (let ask = 0; ask < asksPerLine && rest !== ''; ask++) {
    const answer = await client.complete(document, cursor());
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

function makeExample(
  file: SourceFile,
  lines: readonly string[],
  index: number,
  kind: ExampleKind,
  id: string,
  createdAtMs: number,
): Example {
  // Nothing below the cursor is written yet.
  const before = lines.slice(Math.max(0, index - windowLines), index).map((line) => `${line}\n`);
  const spanStart = before.join('').length;
  const text = `${before.join('')}${lines[index] ?? ''}\n`;
  const spanEnd = text.length - 1;
  return {
    ...{ id, kind, repository: 'replay#1', path: `${file.package}/${file.path}`, languageId: 'javascript', text },
    ...{
      spanStart,
      spanEnd,
      weight: kindWeights[kind],
      createdAtMs,
      contentHash: contentHashOf(text, spanStart, spanEnd),
    },
  };
}
