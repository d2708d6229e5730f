import type { Language, StringSyntax } from './languages.ts';

/**
 * A lexical walk over code: which brackets, strings and comments are open at a place. It starts in a window before the
 * cursor, so that its cost does not grow with the document.
 */
export type Frame =
  | { readonly kind: 'bracket'; readonly open: string; readonly statementStart: number }
  /** `from` is where a string of one line may turn out to have been an apostrophe; negative when it lies in another text. */
  | { readonly kind: 'string'; readonly syntax: StringSyntax; readonly from: number }
  | { readonly kind: 'comment'; readonly close: string };

/** `closeAcross`: the bracket's partner is open, but others above it were not closed. `closeNothing`: it has no partner. */
export type Token = 'other' | 'code' | 'open' | 'close' | 'closeAcross' | 'closeNothing' | 'newline';

export interface LexState {
  readonly stack: Frame[];
  /** A bracket may not close across frames below this one. */
  floor: number;
  /** Start of the line on which the present statement begins. */
  statementStart: number;
  /** Offset of the last character of code, and the character; comments, and strings that are statements in Python, do not count. */
  lastCode: number;
  lastCharacter: string;
  /** Where the statement of that character began. */
  codeStart: number;
  token: Token;
  /** By ASCII code, 1 where a character may be more than plain code: blanks, brackets, what begins strings and comments. */
  readonly special: Uint8Array;
}

export interface Lexed {
  readonly state: LexState;
  /** The part of the prefix that was looked at; offsets in `state` are in it. */
  readonly window: string;
  /** Whether the window begins later than the document. */
  readonly truncated: boolean;
}

const windowSize = 12_000;
const windowStride = 4_000;
/** The closing bracket of each opening one. */
export const partners: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '${': '}' };
const regex: StringSyntax = { open: '/', close: '/', escapes: true, lines: 'one', opens: 'anywhere' };

/** The state at the end of the prefix. */
export function lexBefore(prefix: string, language: Language): Lexed {
  return createLexer()(prefix, language);
}

/** Looks at each text only once while it grows at its end: what was open at the start of its last line is remembered. */
export function createLexer(): (prefix: string, language: Language) => Lexed {
  let known: { readonly language: Language; readonly window: string; readonly state: LexState } | undefined;
  return (prefix, language) => {
    const { window, truncated } = windowOf(prefix);
    const before = known?.language === language && window.startsWith(known.window) ? known : undefined;
    const state = before === undefined ? freshState(language) : copyOf(before.state);
    const lastLine = window.lastIndexOf('\n') + 1;
    walk(window, before?.window.length ?? 0, lastLine, state, language);
    known = { language, window: window.slice(0, lastLine), state: copyOf(state) };
    walk(window, lastLine, window.length, state, language);
    return { state, window, truncated };
  };
}

function walk(text: string, from: number, to: number, state: LexState, language: Language): void {
  for (let at = from; at < to; ) at = step(text, skipPlain(text, at, state), state, language);
}

/** What is looked at; it begins at the same place while the text grows by less than `windowStride`. */
function windowOf(prefix: string): Pick<Lexed, 'window' | 'truncated'> {
  const start = Math.floor((prefix.length - windowSize) / windowStride) * windowStride;
  return start <= 0
    ? { window: prefix, truncated: false }
    : { window: fromTopLevelLine(prefix.slice(start)), truncated: true };
}

function copyOf(state: LexState): LexState {
  return { ...state, stack: [...state.stack] };
}

/** How many of the frames open at the cursor the document does not close after it; outer ones count as closed where the suffix is too long to see. */
export function unclosedAfter(lexed: Lexed, suffix: string, language: Language): number {
  const state = continueIn(lexed.state, 0);
  const window = suffix.slice(0, windowSize);
  const own = state.stack.length;
  let lowest = own;
  let crossed = 0;
  for (let at = 0; at < window.length && lowest > 0; ) {
    const top = state.stack.at(-1);
    at = step(window, skipPlain(window, at, state), state, language);
    if (state.stack.length >= lowest) continue;
    if (state.token === 'closeAcross') crossed += lowest - state.stack.length - 1;
    if (state.token === 'newline' && top?.kind === 'string') crossed++;
    lowest = state.stack.length;
  }
  return crossed + (suffix.length > windowSize ? 0 : lowest);
}

/** A copy of the state for walking over what follows; offsets in it begin at 0. */
export function continueIn(state: LexState, floor: number): LexState {
  const stack = state.stack.map((frame): Frame => (frame.kind === 'string' ? { ...frame, from: -1 } : frame));
  return { ...state, stack, floor, statementStart: 0, lastCode: -1, codeStart: 0, token: 'other' };
}

export function isCode(state: LexState): boolean {
  const top = state.stack.at(-1);
  return top === undefined || top.kind === 'bracket';
}

/** Takes one lexical element at `at`, never past a line's end, and returns where the next one begins. */
export function step(text: string, at: number, state: LexState, language: Language): number {
  state.token = 'other';
  const top = state.stack.at(-1);
  if (top?.kind === 'comment') return stepComment(text, at, state, top.close, language);
  if (top?.kind === 'string') return stepString(text, at, state, top, language);
  return stepCode(text, at, state, language);
}

function freshState(language: Language): LexState {
  const special = specialCharacters(language);
  return {
    stack: [],
    floor: 0,
    statementStart: 0,
    lastCode: -1,
    lastCharacter: '',
    codeStart: 0,
    token: 'other',
    special,
  };
}

/** To the next character that may matter; of a run of plain code the last one is left to `step`, which notes it. */
function skipPlain(text: string, from: number, state: LexState): number {
  const top = state.stack.at(-1);
  let at = from;
  if (top?.kind === 'comment') return at;
  if (top?.kind === 'string') {
    while (at < text.length && !mayMatter(text.charCodeAt(at), top.syntax)) at++;
    return at;
  }
  while (at < text.length && isPlain(text.charCodeAt(at), state)) at++;
  return at > from ? at - 1 : from;
}

function mayMatter(code: number, { close, interpolation }: StringSyntax): boolean {
  const isPunctuation = code === 10 || code === 92 || code === 91;
  return isPunctuation || code === close.charCodeAt(0) || code === interpolation?.charCodeAt(0);
}

function isPlain(code: number, state: LexState): boolean {
  return code >= 128 || state.special[code] === 0;
}

/** A line without indentation is unlikely to lie inside a string or a comment. */
function fromTopLevelLine(window: string): string {
  const found = /\n(?=[^\s})\]*#/'"`])/.exec(window.slice(0, windowSize / 2));
  return window.slice(found ? found.index + 1 : window.indexOf('\n') + 1);
}

function newline(at: number, state: LexState, language: Language): number {
  state.token = 'newline';
  const top = state.stack.at(-1);
  const goesOn = top !== undefined && (top.kind !== 'bracket' || top.open !== '{' || language.blocks === 'indent');
  if (!goesOn) state.statementStart = at + 1;
  return at + 1;
}

function stepComment(text: string, at: number, state: LexState, close: string, language: Language): number {
  if (text[at] === '\n') {
    if (close === '\n') state.stack.pop();
    return newline(at, state, language);
  }
  if (close !== '\n' && text.startsWith(close, at)) {
    state.stack.pop();
    return at + close.length;
  }
  return nextOf(text, at + 1, close[0] ?? '\n');
}

function nextOf(text: string, from: number, character: string): number {
  for (let at = from; at < text.length; at++) if (text[at] === character || text[at] === '\n') return at;
  return text.length;
}

function stepString(
  text: string,
  at: number,
  state: LexState,
  frame: Extract<Frame, { kind: 'string' }>,
  language: Language,
): number {
  const { syntax } = frame;
  const character = text[at] ?? '';
  if (character === '\n') {
    if (syntax.lines === 'many') return newline(at, state, language);
    state.stack.pop();
    // It was an apostrophe: what looked like a string is code, so it is read again.
    return frame.from < 0 ? newline(at, state, language) : frame.from;
  }
  if (text.startsWith(syntax.close, at)) {
    state.stack.pop();
    return at + syntax.close.length;
  }
  if (syntax.interpolation !== undefined && text.startsWith(syntax.interpolation, at)) {
    state.stack.push({ kind: 'bracket', open: syntax.interpolation, statementStart: state.statementStart });
    return at + syntax.interpolation.length;
  }
  if (character === '\\' && syntax.escapes) return text[at + 1] === '\n' || text[at + 1] === '\r' ? at + 1 : at + 2;
  if (syntax === regex && character === '[') return nextOf(text, at + 1, ']');
  return at + 1;
}

function stepCode(text: string, at: number, state: LexState, language: Language): number {
  const character = text[at] ?? '';
  if (isPlain(text.charCodeAt(at), state)) {
    markCode(at, character, state);
    return at + 1;
  }
  if (character === '\n') return newline(at, state, language);
  if (character === ' ' || character === '\t' || character === '\r') return at + 1;
  const comment = commentAt(text, at, language);
  if (comment !== undefined) {
    state.stack.push({ kind: 'comment', close: comment.close });
    return at + comment.open.length;
  }
  const string = stringAt(text, at, state, language);
  if (string !== undefined) {
    const isStatement = language.blocks === 'indent' && isBlankBefore(text, at);
    if (!isStatement) markCode(at, character, state);
    state.stack.push({ kind: 'string', syntax: string, from: at + string.open.length });
    return at + string.open.length;
  }
  markCode(at, character, state);
  if (language.brackets.includes(character)) bracket(character, state);
  return at + 1;
}

function markCode(at: number, character: string, state: LexState): void {
  state.lastCode = at;
  state.lastCharacter = character;
  state.codeStart = state.statementStart;
  state.token = 'code';
}

function isBlankBefore(text: string, at: number): boolean {
  for (let i = at - 1; i >= 0 && text[i] !== '\n'; i--) if (text[i] !== ' ' && text[i] !== '\t') return false;
  return true;
}

function bracket(character: string, state: LexState): void {
  if (partners[character] !== undefined) {
    state.stack.push({ kind: 'bracket', open: character, statementStart: state.statementStart });
    state.token = 'open';
    return;
  }
  state.token = 'closeNothing';
  for (let i = state.stack.length - 1; i >= state.floor; i--) {
    const frame = state.stack[i];
    if (frame?.kind !== 'bracket') return;
    if (partners[frame.open] === character) {
      state.token = i === state.stack.length - 1 ? 'close' : 'closeAcross';
      state.stack.length = i;
      return;
    }
    if (frame.open === '${') return;
  }
}

function commentAt(text: string, at: number, language: Language): { open: string; close: string } | undefined {
  for (const [open, close] of language.blockComments) if (text.startsWith(open, at)) return { open, close };
  for (const open of language.lineComments) {
    if (!text.startsWith(open, at)) continue;
    if (!language.commentsApart || /\s/.test(text[at - 1] ?? ' ')) return { open, close: '\n' };
  }
  return undefined;
}

function stringAt(text: string, at: number, state: LexState, language: Language): StringSyntax | undefined {
  if (language.regexLiterals && text[at] === '/') {
    return /^$|[(,=:[!&|?{;+\n>]/.test(state.lastCharacter) ? regex : undefined;
  }
  for (const string of language.strings) {
    if (!text.startsWith(string.open, at)) continue;
    if (string.opens === 'apart' && /[\p{L}\p{N}]/u.test(text[at - 1] ?? '')) return undefined;
    if (
      string.opens === 'char' &&
      !/^'(?:\\[^\n]{0,9}'|\\[^\n]{0,9}$|[^\\'\n]{0,2}'|[^\\'\n]?$)/u.test(text.slice(at, at + 12))
    ) {
      return undefined;
    }
    return string;
  }
  return undefined;
}

function specialCharacters(language: Language): Uint8Array {
  const special = new Uint8Array(128);
  const openings = [
    ...language.brackets,
    ...language.lineComments,
    ...language.blockComments.map(([open]) => open),
    ...language.strings.map((string) => string.open),
    ...(language.regexLiterals ? ['/'] : []),
  ];
  for (const opening of [...openings, ' ', '\t', '\r', '\n']) special[opening.charCodeAt(0)] = 1;
  return special;
}
