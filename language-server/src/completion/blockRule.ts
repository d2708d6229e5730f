import { type Language, languageOf } from './languages.ts';
import { continueIn, isCode, type LexState, step } from './lex.ts';
import { indentOf, isBlank, lineAfter, lineBefore, trimBlanksEnd, widthOf } from './lines.ts';
import { cycleAtEnd } from './loops.ts';
import { type CompletionMode, lexedBefore } from './mode.ts';
import type { Stop, StopOptions, StopRule } from './stop.ts';

type Block = Extract<CompletionMode, { mode: 'block' }>;

/** Empty lines that the model may begin with, and with which it leaves the block. */
const leadingEmptyLines = 2;
const paragraphEmptyLines = 2;
/** Labels that many styles write at the indentation of the block's header. */
const label = /^(?:case|default|public|private|protected)\b/;

/** What a walk through the text needs to know of the place, found once. */
interface BlockPlace {
  readonly block: Block;
  readonly language: Language;
  readonly languageId: string;
  readonly width: number;
  readonly maxLines: number;
  /** The cursor's line up to the cursor. */
  readonly before: string;
  /** The cursor's line after the cursor. */
  readonly rest: string;
  readonly start: LexState;
}

/** The walk: offsets in the text, and what it has seen. */
interface Walk {
  readonly text: string;
  readonly state: LexState;
  /** Frames open inside the block but outside anything that the text opened. */
  readonly own: number;
  /** End of the last line with content, and of the last one after which nothing that the text opened was open. */
  contentEnd: number;
  balancedEnd: number;
  readonly lines: { readonly text: string; readonly end: number }[];
  emptyLines: number;
  hasContent: boolean;
}

/** `undefined`: go on; `null`: what follows decides. */
type Verdict = Stop | null | undefined;

export function createBlockRule(options: StopOptions, block: Block): StopRule {
  const language = languageOf(options.languageId);
  const state = lexedBefore(options).state;
  const place: BlockPlace = {
    block,
    language,
    languageId: options.languageId,
    width: widthOf(block.indent),
    maxLines: options.maxLines,
    before: lineBefore(options.prefix),
    rest: lineAfter(options.suffix),
    start: continueIn(state, Math.max(0, state.stack.length - 1)),
  };
  return (text) => walk(text, place) ?? null;
}

function walk(text: string, place: BlockPlace): Verdict {
  const state = continueIn(place.start, place.start.floor);
  const own = state.stack.length;
  const seen: Walk = { text, state, own, contentEnd: 0, balancedEnd: 0, lines: [], emptyLines: 0, hasContent: false };
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const began = judgeStart(seen, start, end, place);
    if (began !== undefined) return began;
    const closed = walkLine(seen, start, newline, place);
    if (closed !== undefined) return closed;
    if (newline < 0) return null;
    const ended = judgeEnd(seen, start, end, place);
    if (ended !== undefined) return ended;
    start = newline + 1;
  }
  return null;
}

/** A line that begins no deeper than the block's header ends the block, unless it belongs to it. */
function judgeStart(seen: Walk, start: number, end: number, place: BlockPlace): Verdict {
  const { text, state, own } = seen;
  const onBlankLine = isBlank(place.before);
  if (start === 0 && !onBlankLine) return undefined;
  if (!isCode(state) || state.stack.slice(own).some((frame) => frame.kind === 'bracket' && frame.open !== '{'))
    return undefined;
  const line = text.slice(start, end);
  const content = line.trimStart();
  if (content === '') return undefined;
  const width = widthOf(indentOf(start === 0 ? place.before + line : line));
  if (width > place.width) return undefined;

  const { words } = place.language;
  if (place.block.style === 'braces') {
    if (content.startsWith('}')) return undefined;
    if (mayGrow(content, end === text.length) && 'case default public private protected'.includes(content)) return null;
    if (
      label.test(content) ||
      (/^(?:c|cpp|objective-c|objective-cpp)$/.test(place.languageId) && content.startsWith('#'))
    )
      return undefined;
  } else if (place.block.style === 'end' && words !== undefined) {
    if (mayGrow(content, end === text.length)) return null;
    const isMine = width === place.width;
    if (isMine && words.closes.test(content)) return closeWithWord(seen, start, end, place);
    if (isMine && !place.block.closed && words.continues.test(content)) return undefined;
  }
  return cutAt(seen, seen.contentEnd, 'block');
}

function mayGrow(content: string, atEnd: boolean): boolean {
  return atEnd && /^\w*$/.test(content);
}

/** The whole line belongs to it: `end)`, `done < input`, `until finished`. */
function closeWithWord(seen: Walk, start: number, end: number, place: BlockPlace): Verdict {
  if (place.block.closed) return cutAt(seen, seen.contentEnd, 'suffix');
  if (end === seen.text.length) return null;
  return { text: seen.text.slice(0, start) + trimBlanksEnd(seen.text.slice(start, end)), why: 'block' };
}

/** Reads one line; the block's own `}` ends it. */
function walkLine(seen: Walk, start: number, newline: number, place: BlockPlace): Verdict {
  const { text, state, own } = seen;
  const limit = newline < 0 ? text.length : newline + 1;
  for (let at = start; at < limit; ) {
    const next = step(text, at, state, place.language);
    if (place.block.style === 'braces' && state.stack.length < own) return closeWithBrace(seen, at, place);
    if (state.token !== 'other' && state.token !== 'newline') seen.hasContent = true;
    at = next;
  }
  return undefined;
}

function closeWithBrace(seen: Walk, at: number, place: BlockPlace): Verdict {
  const { text, state } = seen;
  if (place.block.closed) {
    // Where `}` stands right after the cursor, the line end and indentation before it are part of the text.
    const kept = isBlank(place.rest) ? trimBlanksEnd(text.slice(0, at)) : text.slice(0, at);
    return { text: isBlank(kept) ? '' : kept, why: 'suffix' };
  }
  if (!isBlank(place.rest)) return { text: text.slice(0, at + 1), why: 'block' };
  if (/^(?:\}\s*)?do\s*\{$/.test(place.block.header)) {
    const end = text.indexOf('\n', at);
    return end < 0 ? null : { text: trimBlanksEnd(text.slice(0, end)), why: 'block' };
  }
  state.floor = 0;
  let end = at + 1;
  for (; end < text.length; ) {
    const character = text[end] ?? '';
    if (character === ';' || character === ',') return { text: text.slice(0, end + 1), why: 'block' };
    if (!')]'.includes(character)) return { text: text.slice(0, end), why: 'block' };
    const next = step(text, end, state, place.language);
    if (state.token !== 'close') return { text: text.slice(0, end), why: 'block' };
    end = next;
  }
  return null;
}

/** Called with a complete line. */
function judgeEnd(seen: Walk, start: number, end: number, place: BlockPlace): Verdict {
  const line = seen.text.slice(start, end);
  if (isBlank(line)) {
    if (start === 0 && !isBlank(place.before)) return undefined;
    seen.emptyLines++;
    const most = seen.contentEnd > 0 ? paragraphEmptyLines : leadingEmptyLines + 1;
    return seen.emptyLines >= most && isCode(seen.state) ? cutAt(seen, seen.contentEnd, 'block') : undefined;
  }
  seen.emptyLines = 0;
  seen.contentEnd = start + trimBlanksEnd(line).length;
  seen.lines.push({ text: line, end: seen.contentEnd });
  const cycle = cycleAtEnd(seen.lines.map((each) => each.text));
  if (cycle !== undefined) return cutAt(seen, seen.lines.at(cycle === 1 ? -3 : -cycle - 1)?.end ?? 0, 'block');
  const balanced = seen.state.stack.length <= seen.own;
  if (balanced) seen.balancedEnd = seen.contentEnd;
  const isSuite = place.block.style === 'indent' && start === 0 && !isBlank(place.before) && seen.hasContent;
  if (isSuite && balanced) return cutAt(seen, seen.contentEnd, 'block');
  if (seen.lines.length < place.maxLines) return undefined;
  return cutAt(seen, seen.balancedEnd > 0 ? seen.balancedEnd : seen.contentEnd, 'block');
}

function cutAt(seen: Walk, end: number, why: Stop['why']): Stop {
  const text = seen.text.slice(0, end);
  return { text: isBlank(text) ? '' : text, why };
}
