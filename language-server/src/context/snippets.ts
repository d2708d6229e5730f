import type { Snippet } from '../completion/prompt.ts';
import type { Edit } from './recentEdits.ts';

/** An open document, as far as choosing snippets needs it. */
export interface Source {
  readonly uri: string;
  readonly path: string;
  readonly languageId: string;
  readonly lineCount: number;
  lines(from: number, to: number): string;
}

export interface SnippetInput {
  readonly edits: readonly Edit[];
  /** Open tabs, most recently used first. */
  readonly tabs: readonly string[];
  readonly document: { readonly uri: string; readonly languageId: string };
  readonly find: (uri: string) => Source | undefined;
  readonly budgetTokens: number;
  readonly countTokens: (text: string) => number;
}

const linesAround = 6;
const headLines = 12;

/**
 * Snippets of other documents for the prompt: around the newest edits first, then the heads of the tabs used last, in
 * the same language; whole lines, within the budget. Ordered so that the most relevant stands last, nearest the cursor.
 */
export function chooseSnippets(input: SnippetInput): Snippet[] {
  const chosen: Snippet[] = [];
  const seen = new Set([input.document.uri]);
  let left = input.budgetTokens;

  function offer(uri: string, from: (source: Source) => readonly [number, number]) {
    if (seen.has(uri)) return;
    const source = input.find(uri);
    if (source === undefined || source.languageId !== input.document.languageId) return;
    const [first, last] = from(source);
    const text = source.lines(Math.max(0, first), Math.min(source.lineCount, last)).trimEnd();
    if (text.trim() === '') return;
    const cost = input.countTokens(text) + input.countTokens(source.path) + 4;
    if (cost > left) return;
    left -= cost;
    seen.add(uri);
    chosen.push({ path: source.path, text });
  }

  for (const edit of input.edits) offer(edit.uri, () => [edit.line - linesAround, edit.line + linesAround]);
  for (const uri of input.tabs) offer(uri, () => [0, headLines]);
  return chosen.reverse();
}
