import type { ContextTrace } from '#protocol/trace.ts';
import type { Budget } from '../completion/budget.ts';
import { lineCommentOf } from '../completion/languages.ts';
import { buildPrompt, normaliseNewlines, type Prompt, renderPrompt } from '../completion/prompt.ts';
import { freshStart, tokensUsed, type WindowInput, windowStart } from '../completion/window.ts';
import type { Engine, TokenId } from '../engine/engine.ts';
import { type Context, type ContextDeps, chooseContext, worthRenewing } from './chooseContext.ts';
import { lineAt, type OpenDocument } from './documents.ts';
import { createGrowingTokenizer } from './growingTokens.ts';
import type { Place } from './place.ts';
import { createTokenCounter } from './tokenCounter.ts';

export interface AssembledPrompt {
  readonly tokens: TokenId[];
  /** As a person reads it. */
  readonly text: string;
  readonly required: string;
  /** What of other files it holds, and why. */
  readonly context: ContextTrace;
  /** Names that chunks of the repository have and its own text lacks, whether or not they are in it. */
  readonly novelNames: ReadonlySet<string>;
  readonly stagesMs: { readonly context: number; readonly prompt: number };
}

export interface PromptAssembler {
  assemble(engine: Engine, document: OpenDocument, place: Place, budget: Budget): AssembledPrompt;
  /** The prompt of a place that may come; undefined where its window would have to move, which costs a whole prefill. */
  foresee(engine: Engine, document: OpenDocument, place: Place, budget: Budget): AssembledPrompt | undefined;
  /**
   * The prompt of the window that will be needed when the present one is full, or one with better chunks of other files;
   * undefined where that is not wanted.
   */
  renewal(
    engine: Engine,
    document: OpenDocument,
    place: Place,
    budget: Budget,
    wanted: 'window' | 'chunks',
  ): { readonly tokens: readonly TokenId[]; adopt(): void } | undefined;
  /** Lines were added or removed at `line`: a window below stays with its text. */
  edited(uri: string, line: number, lineDelta: number): void;
  forget(uri: string): void;
}

export interface AssemblerDeps extends ContextDeps {
  readonly now: () => number;
}

/** What stays the same in a document's prompts while the cursor moves inside its window. */
interface View {
  readonly start: number;
  readonly context: Context;
}

/** Drafts and the library's own reserve at a sequence's end. */
const spareTokens = 16;
/** From this share of the budget on, the next window is worth preparing. */
const nearlyFull = 0.8;

/** Builds prompts in tokens. Snippets are chosen anew only when the window moves, since changing them costs the KV prefix. */
export function createPromptAssembler(deps: AssemblerDeps): PromptAssembler {
  const views = new Map<string, View>();
  /** What is being evaluated in pauses, for as many as it takes: its chunks stay while they are good enough, as those in use do. */
  const coming = new Map<string, Context>();
  const counter = createTokenCounter();
  const tokenize = createGrowingTokenizer();

  function windowInput(engine: Engine, { text }: OpenDocument, place: Place, budget: Budget): WindowInput {
    return {
      previousStart: views.get(text.uri)?.start,
      cursorLine: text.positionAt(place.documentOffset).line,
      lineAt: (line) => lineAt(text, line),
      budgetTokens: budget.before,
      countTokens: counter(engine),
    };
  }

  function viewFrom(
    start: number,
    engine: Engine,
    document: OpenDocument,
    place: Place,
    budget: Budget,
    occasion: 'request' | 'pause',
  ): View {
    const { text, path } = document;
    const cursorLine = text.positionAt(place.documentOffset).line;
    const shown = { path, before: textFrom(start, document, place), startLine: start, cursorLine };
    const context = chooseContext(deps, {
      document,
      shown,
      current: (occasion === 'pause' ? coming.get(text.uri) : undefined) ?? views.get(text.uri)?.context,
      budget,
      countTokens: counter(engine),
      occasion,
    });
    return { start, context };
  }

  function render(view: View, engine: Engine, document: OpenDocument, place: Place, budget: Budget) {
    const { text } = document;
    const { format } = engine.model;
    const after = format.fim === undefined ? '' : suffixWithin(place.suffix, budget.after, counter(engine));
    let before = textFrom(view.start, document, place);
    // One line alone may be longer than the budget: its end is what counts.
    const room = engine.contextTokens - Math.max(budget.lineTokens, budget.blockTokens) - spareTokens;
    for (;;) {
      const prompt = buildPrompt({
        format,
        path: document.path,
        repository: document.repository,
        lineComment: lineCommentOf(text.languageId),
        snippets: view.context.snippets,
        before,
        after,
      });
      const tokens = promptTokens(engine, prompt, tokenize);
      if (tokens.length <= room || before.length <= 1) return { prompt, tokens };
      before = before.slice((before.length + 1) >> 1);
    }
  }

  function assembled(
    view: View,
    engine: Engine,
    document: OpenDocument,
    place: Place,
    budget: Budget,
    began: number,
  ): AssembledPrompt {
    const viewed = deps.now();
    const { prompt, tokens } = render(view, engine, document, place, budget);
    return {
      tokens,
      text: renderPrompt(prompt),
      required: prompt.required,
      context: view.context.trace,
      novelNames: view.context.novelNames,
      stagesMs: { context: viewed - began, prompt: deps.now() - viewed },
    };
  }

  return {
    assemble(engine, document, place, budget) {
      const began = deps.now();
      const { uri } = document.text;
      const start = windowStart(windowInput(engine, document, place, budget));
      const known = views.get(uri);
      const view = known?.start === start ? known : viewFrom(start, engine, document, place, budget, 'request');
      views.set(uri, view);
      return assembled(view, engine, document, place, budget, began);
    },
    foresee(engine, document, place, budget) {
      const began = deps.now();
      const known = views.get(document.text.uri);
      const start = windowStart(windowInput(engine, document, place, budget));
      return known?.start === start ? assembled(known, engine, document, place, budget, began) : undefined;
    },
    renewal(engine, document, place, budget, wanted) {
      const { uri } = document.text;
      const input = windowInput(engine, document, place, budget);
      const known = views.get(uri);
      if (known === undefined) return undefined;
      const full = tokensUsed(input, known.start) >= budget.before * nearlyFull;
      const start = full ? Math.max(known.start, freshStart(input)) : known.start;
      if (wanted === 'window' && start === known.start) return undefined;
      const next = viewFrom(start, engine, document, place, budget, 'pause');
      if (start === known.start && !worthRenewing(known.context, next.context)) return undefined;
      coming.set(uri, next.context);
      return {
        tokens: render(next, engine, document, place, budget).tokens,
        adopt() {
          coming.delete(uri);
          if (views.get(uri) === known) views.set(uri, next);
        },
      };
    },
    edited(uri, line, lineDelta) {
      const known = views.get(uri);
      if (known === undefined || lineDelta === 0 || line >= known.start) return;
      views.set(uri, { ...known, start: Math.max(line, known.start + lineDelta) });
    },
    forget(uri) {
      views.delete(uri);
      coming.delete(uri);
    },
  };
}

function textFrom(startLine: number, { text }: OpenDocument, place: Place): string {
  const from = text.offsetAt({ line: startLine, character: 0 });
  return place.prefix.slice(Math.max(0, place.prefix.length - (place.offset - from)));
}

function promptTokens(engine: Engine, prompt: Prompt, tokenize: ReturnType<typeof createGrowingTokenizer>): TokenId[] {
  const tokens = engine.bos === undefined ? [] : [engine.bos];
  for (const part of prompt.parts) {
    if (part.kind === 'text') tokens.push(...tokenize(engine, part.text));
    else {
      const special = engine.specialToken(part.text);
      if (special !== undefined) tokens.push(special);
    }
  }
  // A model needs something to go on from, even at the start of an empty document.
  return tokens.length > 0 ? tokens : engine.tokenize('\n');
}

/** Whole lines after the cursor, as many as fit. */
function suffixWithin(suffix: string, budgetTokens: number, countTokens: (text: string) => number): string {
  let used = 0;
  let end = 0;
  for (const line of normaliseNewlines(suffix).split(/(?<=\n)/)) {
    used += countTokens(line);
    if (used > budgetTokens) break;
    end += line.length;
  }
  return normaliseNewlines(suffix).slice(0, end);
}
