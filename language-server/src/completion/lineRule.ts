import { type Language, languageOf } from './languages.ts';
import { continueIn, type Frame, type LexState, partners, step, unclosedAfter } from './lex.ts';
import { indentOf, isBlank, isCharacterBoundary, isWord, lineAfter, lineBefore, linesBelow, widthOf } from './lines.ts';
import { lexedBefore } from './mode.ts';
import type { Stop, StopOptions, StopRule } from './stop.ts';

/** Line ends that the model may begin with: on a blank line, and after a line with content. */
const leadOnBlankLine = 2;
const leadAfterContent = 1;

export function createLineRule(options: StopOptions): StopRule {
  const before = lineBefore(options.prefix);
  const blankBefore = isBlank(before);
  const below = linesBelow(options.suffix, 1)[0];
  const rest = createRestRule(options, before);
  const statementEnd = createStatementRule(options);
  const allowedLead = blankBefore ? leadOnBlankLine : leadAfterContent;

  return (text) => {
    const lead = /^[ \t\r\n]*/.exec(text)?.[0] ?? '';
    const leadingLines = lead.split(/\r\n|\n|\r/).length - 1;
    if (leadingLines > allowedLead || (leadingLines > 0 && rest !== undefined)) return { text: '', why: 'line' };
    if (lead.length === text.length) return null;

    const length = text.slice(lead.length).search(/[\r\n]/);
    const end = length < 0 ? text.length : lead.length + length;
    if (rest !== undefined) {
      const cut = rest(text.slice(0, end), length >= 0);
      if (cut !== undefined) return { text: text.slice(0, cut), why: 'suffix' };
    }
    if (rest === undefined) {
      const cut = statementEnd(text.slice(lead.length, end));
      if (cut !== undefined) return { text: text.slice(0, lead.length + cut), why: 'line' };
    }
    if (length < 0) return null;
    const written = leadingLines > 0 ? text.slice(0, end).replace(/^[\s\S]*[\r\n]/, '') : before + text.slice(0, end);
    if ((blankBefore || leadingLines > 0) && below !== undefined && isSameLine(written, below)) {
      return { text: '', why: 'suffix' };
    }
    return { text: text.slice(0, end), why: 'line' } satisfies Stop;
  };
}

/**
 * Behind the semicolon that ends a statement little is ever written, and to see the line's end costs another token of the
 * model. Semicolons within brackets that are open, as those of a `for`, end nothing.
 */
function createStatementRule(options: StopOptions): (line: string) => number | undefined {
  const language = languageOf(options.languageId);
  if (language.blocks !== 'braces') return () => undefined;
  const { state: start } = lexedBefore(options);
  return (line) => {
    const state = continueIn(start, 0);
    for (let at = 0; at < line.length; ) {
      const from = at;
      at = step(line, at, state, language);
      const top = state.stack.at(-1);
      const isStatement = top === undefined || (top.kind === 'bracket' && top.open === '{');
      if (line[from] === ';' && isStatement && state.stack.length <= start.stack.length) return at;
    }
    return undefined;
  };
}

function isSameLine(a: string, b: string): boolean {
  return a.trim() === b.trim() && widthOf(indentOf(a)) === widthOf(indentOf(b));
}

/** Where the cursor's line begins to repeat what stands after the cursor; undefined where it does not, or not yet. */
type RestRule = (line: string, complete: boolean) => number | undefined;

/**
 * A model often writes on over what the editor closed by itself: `foo(a)` where `)` stands already. A bracket that the
 * text opened is its own, and one that the document lacks is welcome; any other that agrees with the rest of the line ends the text.
 */
function createRestRule(options: StopOptions, before: string): RestRule | undefined {
  const rest = lineAfter(options.suffix);
  if (isBlank(rest)) return undefined;
  const language = languageOf(options.languageId);
  const lexed = lexedBefore(options);
  const missing = language.brackets === '' ? 0 : unclosedAfter(lexed, options.suffix, language);
  const start = continueIn(lexed.state, 0);
  return (line, complete) => findRest({ line, complete, rest, before, language, missing, start });
}

interface RestSearch {
  readonly line: string;
  readonly complete: boolean;
  readonly rest: string;
  readonly before: string;
  readonly language: Language;
  readonly missing: number;
  readonly start: LexState;
}

function findRest(search: RestSearch): number | undefined {
  const { line, before, language } = search;
  const state = continueIn(search.start, 0);
  let own = state.stack.length;
  let missing = search.missing;
  for (let at = 0; at < line.length; ) {
    const withinWord = isWord(line[at]) && isWord(at > 0 ? line[at - 1] : before.at(-1));
    const atOwnDepth = state.stack.length === own;
    const closer = closerAt(state.stack.at(-1), line, at);
    const welcome = missing > 0 && closer !== undefined;
    if (atOwnDepth && !welcome && closer !== undefined && search.rest.trimStart().startsWith(closer)) return at;
    if (atOwnDepth && !withinWord && !welcome && isCharacterBoundary(line, at)) {
      const verdict = restAt(search, at);
      if (verdict === 'here') return at;
      if (verdict === 'perhaps') return undefined;
    }
    at = step(line, at, state, language);
    if (state.stack.length < own) {
      missing -= own - state.stack.length;
      own = state.stack.length;
    }
  }
  return undefined;
}

/** What at this place closes the innermost string or bracket. */
function closerAt(top: Frame | undefined, line: string, at: number): string | undefined {
  if (top?.kind === 'string') return line.startsWith(top.syntax.close, at) ? top.syntax.close : undefined;
  const character = line[at] ?? '';
  return top?.kind === 'bracket' && partners[top.open] === character ? character : undefined;
}

function restAt({ line, complete, rest }: RestSearch, at: number): 'here' | 'perhaps' | 'no' {
  const written = line.slice(at);
  const exact = agrees(written, rest, complete);
  if (exact !== 'no' || (at > 0 && !isBlank(line[at - 1] ?? ''))) return exact;
  return agrees(written, rest.trimStart(), complete);
}

function agrees(written: string, rest: string, complete: boolean): 'here' | 'perhaps' | 'no' {
  if (written.startsWith(rest)) {
    const splits = isWord(rest.at(-1)) && isWord(written[rest.length]);
    return splits || !isCharacterBoundary(written, rest.length) ? 'no' : whole(rest, written, complete);
  }
  const shown = written.trimEnd();
  if (shown === '' || !rest.startsWith(shown)) return 'no';
  return complete ? 'here' : 'perhaps';
}

/** A word that the rest ends with may still grow into another. */
function whole(rest: string, written: string, complete: boolean): 'here' | 'perhaps' {
  return complete || written.length > rest.length || !isWord(rest.at(-1)) ? 'here' : 'perhaps';
}
