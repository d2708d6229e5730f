import type { ContextTrace } from '#protocol/trace.ts';
import type { Budget } from '../completion/budget.ts';
import type { Snippet } from '../completion/prompt.ts';
import { askFeatures } from '../context/askFeatures.ts';
import type { Candidate, Shown } from '../context/candidates.ts';
import type { RecentEdits } from '../context/recentEdits.ts';
import { sameChunks, selectChunks } from '../context/selection.ts';
import { chooseSnippets } from '../context/snippets.ts';
import { identifiersOf } from '../context/terms.ts';
import { type AskModel, probability } from '../context/whenToAsk.ts';
import { asSource, type OpenDocument } from './documents.ts';

export interface ContextDeps {
  readonly document: (uri: string) => OpenDocument | undefined;
  readonly tabs: () => readonly string[];
  readonly edits: RecentEdits;
  readonly withSnippets: () => boolean;
  readonly excluded: (uri: string) => boolean;
  /** What the repository's index found for a document; undefined where it was not asked. */
  readonly repository: (uri: string) => readonly Candidate[] | undefined;
  readonly askModel: () => AskModel;
}

/** What of other places stands in a prompt, and why. */
export interface Context {
  readonly snippets: readonly Snippet[];
  readonly chunks: readonly Candidate[];
  /** Names that the chunks have, used or not, and the prompt's own text lacks. */
  readonly novelNames: ReadonlySet<string>;
  readonly trace: ContextTrace;
}

export interface ContextInput {
  readonly document: OpenDocument;
  readonly shown: Shown;
  /** In the prompt now. */
  readonly current: Context | undefined;
  readonly budget: Budget;
  readonly countTokens: (text: string) => number;
  /** Whether somebody waits for the prompt, or it is made ready in a pause. */
  readonly occasion: 'request' | 'pause';
}

/** Chunks of the repository where they are likely to help, and recent edits and open tabs in what they leave of the budget. */
export function chooseContext(deps: ContextDeps, input: ContextInput): Context {
  if (!deps.withSnippets())
    return { snippets: [], chunks: [], novelNames: new Set(), trace: { decision: 'off', chunks: [] } };
  const { document, shown, countTokens } = input;
  const found = deps.repository(document.text.uri);
  const current = input.current?.chunks ?? [];
  const select = (candidates: readonly Candidate[]): readonly Candidate[] =>
    selectChunks({ candidates, shown, current, budgetTokens: input.budget.chunks, countTokens });
  const chosen = select(found ?? []);
  const features = askFeatures({ shown, chosen });
  const model = deps.askModel();
  const likely = probability(model, features);
  const threshold = input.occasion === 'pause' ? model.pauseThreshold : model.threshold;
  const mustWait = input.occasion === 'request' && !input.budget.chunksAtOnce;
  // Chunks that a prompt had stay when its window moves: they stand before it and are evaluated.
  const chunks = mustWait ? select(current) : likely >= threshold ? chosen : [];
  const used = chunks.reduce((sum, { path, text }) => sum + countTokens(path) + countTokens(text), 0);
  const edited = chooseSnippets({
    edits: deps.edits.list(),
    tabs: deps.tabs(),
    document: document.text,
    find(uri) {
      const open = deps.excluded(uri) ? undefined : deps.document(uri);
      return open && asSource(open);
    },
    budgetTokens: Math.max(0, input.budget.snippets - used),
    countTokens,
  });
  return {
    snippets: [...edited, ...chunks.map(({ path, text }) => ({ path, text }))],
    chunks,
    novelNames: novelNames(chosen, shown.before),
    trace: {
      decision: decisionOf(found, chosen, chunks),
      ...(chosen.length === 0 ? {} : { probability: likely, threshold, features }),
      chunks: chunks.map(({ path, start, end, score }) => ({ path, start, end, score })),
    },
  };
}

function decisionOf(
  found: readonly Candidate[] | undefined,
  chosen: readonly Candidate[],
  chunks: readonly Candidate[],
): ContextTrace['decision'] {
  if (chunks.length > 0) return 'used';
  if (found === undefined) return 'noIndex';
  return chosen.length === 0 ? 'nothingFound' : 'notWorthIt';
}

function novelNames(chosen: readonly Candidate[], shown: string): ReadonlySet<string> {
  const known = new Set(identifiersOf(shown));
  return new Set(chosen.flatMap(({ text }) => identifiersOf(text)).filter((name) => !known.has(name)));
}

/** A prompt is made anew when so much of what would be in it is new, by score: all of it has to be evaluated again. */
const worthwhileShare = 0.4;

/** Whether the prompt would gain by being made anew: other chunks are likely to help than those that it has. */
export function worthRenewing(now: Context, next: Context): boolean {
  const isThere = (chunk: Candidate): boolean => now.chunks.some((each) => sameChunks([each], [chunk]));
  const total = (chunks: readonly Candidate[]): number => chunks.reduce((sum, { score }) => sum + score, 0);
  const fresh = total(next.chunks.filter((chunk) => !isThere(chunk)));
  return fresh > total(next.chunks) * worthwhileShare;
}
