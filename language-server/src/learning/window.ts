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
