import { budgetFor } from '../../language-server/src/completion/budget.ts';
import { lineCommentOf } from '../../language-server/src/completion/languages.ts';
import { buildPrompt, type Snippet } from '../../language-server/src/completion/prompt.ts';
import { windowStart } from '../../language-server/src/completion/window.ts';
import { askFeatures } from '../../language-server/src/context/askFeatures.ts';
import type { Candidate, Shown } from '../../language-server/src/context/candidates.ts';
import { selectChunks } from '../../language-server/src/context/selection.ts';
import { chooseSnippets, type Source } from '../../language-server/src/context/snippets.ts';
import { type AskModel, probability } from '../../language-server/src/context/whenToAsk.ts';
import type { Engine } from '../../language-server/src/engine/engine.ts';
import type { Chunker } from '../../language-server/src/indexing/grammars.ts';
import type { RetrievalCase } from './cases.ts';
import type { Question } from './loss.ts';
import { searchPackage } from './packageIndex.ts';

/**
 * Nothing of other places; recent edits; chunks always; chunks where the predictor says so for a prompt that is waited for,
 * and for one that is made in a pause; and what the product does: chunks where they are likely to help, else recent edits.
 */
export const rowNames = ['base', 'recentEdits', 'bm25', 'likely', 'likelyInPause', 'everything'] as const;
export type RowName = (typeof rowNames)[number];
/** Rows whose prompts hold recent edits: no other row shares them, so that they cost time of their own. */
export const editRows: ReadonlySet<RowName> = new Set(['recentEdits', 'everything']);

/** A case with what the product would know at its cursor. */
export interface PreparedCase {
  readonly made: RetrievalCase;
  readonly shown: Shown;
  /** Selected chunks, whether or not they are worth asking for. */
  readonly chosen: readonly Candidate[];
  readonly edited: readonly Snippet[];
  readonly features: readonly number[];
  /** Search, selection and features, without reading files. */
  readonly addedMs: number;
}

/** What the product gives a machine of this speed, tokens per second; that of two cores with the embedded default. */
export const budget = budgetFor({ prefill: 150, decode: 60 }, 1024);
const candidateCount = 12;

export async function prepareCase(engine: Engine, chunker: Chunker, made: RetrievalCase): Promise<PreparedCase> {
  const countTokens = (text: string): number => engine.tokenize(text).length;
  const lines = made.before.split('\n');
  const cursorLine = lines.length - 1;
  const startLine = windowStart({
    previousStart: undefined,
    cursorLine,
    lineAt: (line) => lines[line] ?? '',
    budgetTokens: budget.before,
    countTokens,
  });
  const shown: Shown = { path: made.path, before: lines.slice(startLine).join('\n'), startLine, cursorLine };
  const { found, searchMs } = await searchPackage(chunker, made, candidateCount);
  const began = performance.now();
  const chosen = selectChunks({ candidates: found, shown, current: [], budgetTokens: budget.chunks, countTokens });
  const features = askFeatures({ shown, chosen });
  const addedMs = searchMs + performance.now() - began;
  return { made, shown, chosen, edited: recentlyEdited(made, countTokens), features, addedMs };
}

/**
 * A corpus has no edits: the developer is taken to have worked in the middle of the two files that stand next to this one,
 * and to have them open.
 */
function recentlyEdited(made: RetrievalCase, countTokens: (text: string) => number): Snippet[] {
  const sorted = made.others.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const at = sorted.filter(({ path }) => path < made.path).length;
  const near = [sorted[at - 1], sorted[at]].flatMap((file) => (file === undefined ? [] : [file]));
  const sources = near.map(({ path, text }): Source => {
    const lines = text.split('\n');
    return {
      uri: path,
      path,
      languageId: 'javascript',
      lineCount: lines.length,
      lines: (from, to) => lines.slice(from, to).join('\n'),
    };
  });
  return chooseSnippets({
    edits: sources.map(({ uri, lineCount }) => ({ uri, line: lineCount >> 1, at: 0 })),
    tabs: [],
    document: { uri: made.path, languageId: 'javascript' },
    find: (uri) => sources.find((source) => source.uri === uri),
    budgetTokens: budget.snippets,
    countTokens,
  });
}

export function asks(row: RowName, model: AskModel, { chosen, features }: PreparedCase): boolean {
  if (chosen.length === 0 || row === 'base' || row === 'recentEdits') return false;
  if (row === 'bm25') return true;
  return probability(model, features) >= (row === 'likelyInPause' ? model.pauseThreshold : model.threshold);
}

/** What of other places a row puts into the prompt. */
export function snippetsOf(row: RowName, prepared: PreparedCase, model: AskModel): readonly Snippet[] {
  if (asks(row, model, prepared)) return prepared.chosen.map(({ path, text }) => ({ path, text }));
  return editRows.has(row) ? prepared.edited : [];
}

/** The prompt as the product builds it, and the rest of the line with its end. */
export function questionOf(
  engine: Engine,
  { made, shown }: Pick<PreparedCase, 'made' | 'shown'>,
  snippets: readonly Snippet[],
): Question & { readonly required: string } {
  const { parts, required } = buildPrompt({
    format: engine.model.format,
    path: made.path,
    repository: made.package,
    lineComment: lineCommentOf('javascript'),
    snippets,
    before: shown.before,
    after: '',
  });
  const prompt = parts.flatMap((part) => {
    const special = part.kind === 'special' ? engine.specialToken(part.text) : undefined;
    return special === undefined ? engine.tokenize(part.text) : [special];
  });
  return { prompt, target: engine.tokenize(`${required}${made.target}\n`), required };
}
