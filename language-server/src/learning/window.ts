/** Whole lines around a span, as an example holds them. */
export interface CodeWindow {
  /** Ended by `\n`, whatever the document ends lines by. */
  readonly text: string;
  readonly spanStart: number;
  readonly spanEnd: number;
}

/** Lines `[from, to)` of a document. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

export const linesBefore = 24;
export const linesAfter = 12;
/** How far up a window may reach for lines that no example holds yet. */
export const linesFarBefore = 300;
const longestUnits = 8_000;

/** The lines that the offsets `[start, end)` touch. */
export function linesOf(text: string, start: number, end: number): LineRange {
  const from = countLines(text.slice(0, start));
  return { from, to: from + countLines(text.slice(start, end)) + 1 };
}

/**
 * The lines around the span's, as far as `mayUse` goes on to say yes in each direction. Undefined where a line of the
 * span may not be used.
 */
export function around(span: LineRange, lineCount: number, mayUse: (line: number) => boolean): LineRange | undefined {
  for (let line = span.from; line < span.to; line++) if (!mayUse(line)) return undefined;
  let { from, to } = span;
  while (from > Math.max(0, span.from - linesBefore) && mayUse(from - 1)) from--;
  while (to < Math.min(lineCount, span.to + linesAfter) && mayUse(to)) to++;
  return { from, to };
}

/**
 * The window, and above it as much as reaches to the highest line that is `fresh`: what the developer wrote in the file
 * before, and no example holds. Not beyond a line that may not be used, nor longer than a window may be.
 */
export function reachingUp(
  { from, to }: LineRange,
  lines: readonly string[],
  mayUse: (line: number) => boolean,
  fresh: (line: string) => boolean,
): LineRange {
  let left = longestUnits - unitsOf(lines.slice(from, to));
  let highest = from;
  for (let line = from - 1; line >= Math.max(0, from - linesFarBefore) && mayUse(line); line--) {
    const text = lines[line] ?? '';
    left -= unitsOf([text]);
    if (left < 0) break;
    if (fresh(text)) highest = line;
  }
  return { from: highest, to };
}

/** Undefined where the lines are too long to be code that a person wrote. */
export function cut(text: string, start: number, end: number, { from, to }: LineRange): CodeWindow | undefined {
  const begin = offsetOfLine(text, from);
  const piece = text.slice(begin, offsetOfLine(text, to));
  if (piece.length > longestUnits) return undefined;
  const plain = (part: string): string => part.replaceAll('\r\n', '\n');
  const body = plain(piece);
  return {
    text: body.endsWith('\n') ? body : `${body}\n`,
    spanStart: plain(text.slice(begin, start)).length,
    spanEnd: plain(text.slice(begin, Math.max(start, end))).length,
  };
}

/** A window in two: what `around` gives, and what `reachingUp` added above it, which may be empty. */
export function splitFar(window: CodeWindow): { readonly far: string; readonly near: CodeWindow } {
  const { text, spanStart, spanEnd } = window;
  const at = offsetOfLine(text, Math.max(0, linesOf(text, spanStart, spanEnd).from - linesBefore));
  return {
    far: text.slice(0, at),
    near: { text: text.slice(at), spanStart: spanStart - at, spanEnd: spanEnd - at },
  };
}

/** Line ends may be of two units. */
function unitsOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + line.length + 2, 0);
}

function countLines(text: string): number {
  return text.split('\n').length - 1;
}

function offsetOfLine(text: string, line: number): number {
  let offset = 0;
  for (let i = 0; i < line; i++) {
    const feed = text.indexOf('\n', offset);
    if (feed === -1) return text.length;
    offset = feed + 1;
  }
  return offset;
}
