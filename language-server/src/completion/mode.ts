import type { Settings } from '#protocol/settings.ts';
import { type BlockStyle, languageOf } from './languages.ts';
import { isCode, type Lexed, lexBefore } from './lex.ts';
import { indentOf, isBlank, lineAfter, linesBelow, widthOf } from './lines.ts';

/** Where a completion goes: the document before and after the cursor. */
export interface Place {
  readonly prefix: string;
  readonly suffix: string;
  readonly languageId: string;
  /** What `lexBefore` found, where it is known already. */
  readonly lexed?: Lexed;
}

export function lexedBefore(place: Place): Lexed {
  return place.lexed ?? lexBefore(place.prefix, languageOf(place.languageId));
}

/** How much is offered. A block is what the line that opens it calls for, to its end. */
export type CompletionMode =
  | { readonly mode: 'line' }
  | {
      readonly mode: 'block';
      /** Indentation of the line that opens the block; what stands deeper belongs to it. */
      readonly indent: string;
      readonly style: Exclude<BlockStyle, 'none'>;
      /** The line that opens the block, without comments. */
      readonly header: string;
      /** The document already has what closes the block. */
      readonly closed: boolean;
    };

const line: CompletionMode = { mode: 'line' };

/**
 * A single line, unless the cursor is at the end of a line that opens a block, or on a blank line in a block that is
 * still empty (comments and docstrings apart). Literals over several lines in `(` and `[` are no blocks.
 */
export function completionMode(place: Place & { readonly multiline?: Settings['multiline'] }): CompletionMode {
  if (place.multiline === 'never') return line;
  const language = languageOf(place.languageId);
  if (language.blocks === 'none') return line;
  const rest = lineAfter(place.suffix);
  if (!isBlank(rest) && !/^\s*\}[\])}]*[;,]?$/.test(rest)) return line;

  const lexed = lexedBefore(place);
  if (!isCode(lexed.state) || lexed.state.lastCode < 0) return line;
  const opened = openedBlock(lexed, place);
  if (opened === undefined) return line;

  const width = widthOf(opened.indent);
  const below = linesBelow(place.suffix, 1)[0];
  const belowWidth = below === undefined ? 0 : widthOf(indentOf(below));
  if (isBlank(rest) && below !== undefined && belowWidth > width) return line;
  const closesBelow =
    below !== undefined && belowWidth === width && closesBlock(below.trimStart(), opened.style, place);
  return { mode: 'block', ...opened, closed: !isBlank(rest) || closesBelow };
}

interface Opened {
  readonly indent: string;
  readonly style: Exclude<BlockStyle, 'none'>;
  readonly header: string;
}

function openedBlock(lexed: Lexed, place: Place): Opened | undefined {
  const language = languageOf(place.languageId);
  const { state, window } = lexed;
  const top = state.stack.at(-1);
  if (language.braceBlocks && opensBrace(lexed)) {
    const start = top?.kind === 'bracket' ? top.statementStart : state.statementStart;
    const header = window.slice(start, state.lastCode + 1);
    return isBraceLiteral(header) ? undefined : { indent: indentOf(header), style: 'braces', header: header.trim() };
  }
  if (language.words === undefined || language.blocks === 'braces' || language.blocks === 'none') return undefined;
  if (top !== undefined && language.blocks === 'indent') return undefined;

  const header = window.slice(state.codeStart, state.lastCode + 1);
  const atCursor = !window.slice(state.lastCode + 1).includes('\n');
  const opens = atCursor ? language.words.opensAtCursor : language.words.opensLine;
  return opens.test(header.trim())
    ? { indent: indentOf(header), style: language.blocks, header: header.trim() }
    : undefined;
}

/** `{`, or in Ruby its parameters: `{ |item|`. */
function opensBrace({ state, window }: Lexed): boolean {
  const top = state.stack.at(-1);
  if (top?.kind !== 'bracket' || top.open !== '{') return false;
  return (
    state.lastCharacter === '{' ||
    /\{\s*\|[^|{}\n]*\|$/.test(window.slice(Math.max(0, state.lastCode - 200), state.lastCode + 1))
  );
}

/** Imports, destructuring, JSX expressions: braces within a line. The body of a C++ namespace is seldom indented. */
function isBraceLiteral(header: string): boolean {
  return (
    /(?:^|\s)(?:import(?:\s+type)?|export(?:\s+type)?|const|let|var)\s*\{$/.test(header) ||
    /[^=\s]>\{$|\w=\{$/.test(header) ||
    /\b(?:namespace|extern)\b[^;{}]*\{$/.test(header)
  );
}

function closesBlock(below: string, style: BlockStyle, place: Place): boolean {
  if (style === 'braces') return below.startsWith('}');
  const words = languageOf(place.languageId).words;
  return words !== undefined && (words.closes.test(below) || words.continues.test(below));
}
