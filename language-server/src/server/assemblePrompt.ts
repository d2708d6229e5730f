import type { Budget } from '../completion/budget.ts';
import { lineCommentOf } from '../completion/languages.ts';
import { buildPrompt, normaliseNewlines, type Prompt, renderPrompt, type Snippet } from '../completion/prompt.ts';
import { windowStart } from '../completion/window.ts';
import type { RecentEdits } from '../context/recentEdits.ts';
import { chooseSnippets } from '../context/snippets.ts';
import type { Engine, TokenId } from '../engine/engine.ts';
import { asSource, lineAt, type OpenDocument } from './documents.ts';
import type { Place } from './inFlight.ts';

export interface AssembledPrompt {
  readonly tokens: TokenId[];
  /** As a person reads it. */
  readonly text: string;
  readonly required: string;
  readonly stagesMs: { readonly context: number; readonly prompt: number; readonly tokenize: number };
}

export interface PromptAssembler {
  assemble(engine: Engine, document: OpenDocument, place: Place, budget: Budget): AssembledPrompt;
  forget(uri: string): void;
}

export interface AssemblerDeps {
  readonly document: (uri: string) => OpenDocument | undefined;
  readonly tabs: () => readonly string[];
  readonly edits: RecentEdits;
  readonly withSnippets: () => boolean;
  readonly excluded: (uri: string) => boolean;
  readonly now: () => number;
}

/** What stays the same in a document's prompts while the cursor moves inside its window. */
interface View {
  readonly start: number;
  readonly snippets: readonly Snippet[];
}

const countedTexts = 20_000;
/** Drafts and the library's own reserve at a sequence's end. */
const spareTokens = 16;

/** Builds prompts in tokens. Snippets are chosen anew only when the window moves, since changing them costs the KV prefix. */
export function createPromptAssembler(deps: AssemblerDeps): PromptAssembler {
  const views = new Map<string, View>();
  let counted = new Map<string, number>();
  let countedBy: Engine | undefined;

  function counter(engine: Engine): (text: string) => number {
    if (countedBy !== engine || counted.size > countedTexts) counted = new Map();
    countedBy = engine;
    return (text) => {
      const known = counted.get(text);
      if (known !== undefined) return known;
      const count = engine.tokenize(text).length;
      counted.set(text, count);
      return count;
    };
  }

  function view(engine: Engine, { text }: OpenDocument, line: number, budget: Budget): View {
    const countTokens = counter(engine);
    const previous = views.get(text.uri);
    const start = windowStart({
      previousStart: previous?.start,
      cursorLine: line,
      lineAt: (each) => lineAt(text, each),
      budgetTokens: budget.before,
      countTokens,
    });
    if (previous?.start === start) return previous;
    const snippets = deps.withSnippets()
      ? chooseSnippets({
          edits: deps.edits.list(),
          tabs: deps.tabs(),
          document: text,
          find: (uri) => {
            const found = deps.excluded(uri) ? undefined : deps.document(uri);
            return found && asSource(found);
          },
          budgetTokens: budget.snippets,
          countTokens,
        })
      : [];
    const fresh = { start, snippets };
    views.set(text.uri, fresh);
    return fresh;
  }

  return {
    assemble(engine, document, place, budget) {
      const began = deps.now();
      const { text } = document;
      const { start, snippets } = view(engine, document, text.positionAt(place.documentOffset).line, budget);
      const viewed = deps.now();
      const from = text.offsetAt({ line: start, character: 0 });
      const build = (before: string) =>
        buildPrompt({
          format: engine.model.format,
          path: document.path,
          repository: document.repository,
          lineComment: lineCommentOf(text.languageId),
          snippets,
          before,
          after: engine.model.format.fim === undefined ? '' : suffixWithin(place.suffix, budget.after, counter(engine)),
        });
      let before = place.prefix.slice(Math.max(0, place.prefix.length - (place.offset - from)));
      let prompt = build(before);
      const built = deps.now();
      let tokens = promptTokens(engine, prompt);
      // One line alone may be longer than the budget: its end is what counts.
      const room = engine.contextTokens - Math.max(budget.lineTokens, budget.blockTokens) - spareTokens;
      while (tokens.length > room && before.length > 1) {
        before = before.slice(before.length >> 1);
        prompt = build(before);
        tokens = promptTokens(engine, prompt);
      }
      const stagesMs = { context: viewed - began, prompt: built - viewed, tokenize: deps.now() - built };
      return { tokens, text: renderPrompt(prompt), required: prompt.required, stagesMs };
    },
    forget(uri) {
      views.delete(uri);
    },
  };
}

function promptTokens(engine: Engine, prompt: Prompt): TokenId[] {
  const tokens = engine.bos === undefined ? [] : [engine.bos];
  for (const part of prompt.parts) {
    if (part.kind === 'text') tokens.push(...engine.tokenize(part.text));
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
