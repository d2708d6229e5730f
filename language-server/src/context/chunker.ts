/** What chunking needs of a syntax tree's node; web-tree-sitter's nodes have this shape. */
export interface SyntaxNode {
  readonly startPosition: { readonly row: number };
  readonly endPosition: { readonly row: number; readonly column: number };
  readonly namedChildren: readonly (SyntaxNode | null)[];
}

/** Whole lines of a file, counted from 0; `end` is not part of it. */
export interface LineRange {
  readonly start: number;
  readonly end: number;
}

/** A chunk has at most this many lines: three of them fit the budget of the smallest prompt. */
const maxLines = 20;
/** Small statements that follow each other are one chunk up to this size; what is as large as half of it stays alone. */
const mergeLines = 12;
const headerLines = 2;
const maxDepth = 12;

/**
 * Pieces of a file that mean something on their own: functions, classes and runs of statements. What is longer than a
 * chunk is cut at its own statements, as cAST does (arXiv 2506.15655: split, then merge siblings); a statement without
 * parts is cut by lines. The pieces cover every line that is not blank between statements, in order, and do not overlap.
 */
export function chunkTree(root: SyntaxNode, lineCount: number): LineRange[] {
  const pieces: LineRange[] = [];
  splitChildren(root, 0, lineCount, pieces, 0);
  return merge(pieces);
}

/** For languages without a grammar: windows of lines that begin after a blank line where there is one near. */
export function chunkLines(lines: readonly string[]): LineRange[] {
  const ranges: LineRange[] = [];
  for (let start = 0; start < lines.length; ) {
    let end = Math.min(start + maxLines, lines.length);
    for (let at = end; at > start + maxLines / 2 && end < lines.length; at--) {
      if (lines[at - 1]?.trim() === '') {
        end = at;
        break;
      }
    }
    ranges.push({ start, end });
    start = end;
  }
  return ranges.filter(({ start, end }) => lines.slice(start, end).some((line) => line.trim() !== ''));
}

/** Adds the pieces of a node's children, which lie in [from, to); comments go with what they stand before. */
function splitChildren(node: SyntaxNode, from: number, to: number, pieces: LineRange[], depth: number): void {
  let start = from;
  for (const child of node.namedChildren) {
    if (child === null) continue;
    const end = Math.min(to, endLine(child));
    if (end <= start) continue;
    // What stands between the previous child and this one (a header's rest, a comment's bracket) belongs to this one.
    const begin = start === from ? from : Math.max(start, Math.min(child.startPosition.row, end));
    if (begin > start) start = begin;
    if (end - start <= maxLines) pieces.push({ start, end });
    else if (depth < maxDepth && child.namedChildren.length > 0) splitChildren(child, start, end, pieces, depth + 1);
    else for (let at = start; at < end; at += maxLines) pieces.push({ start: at, end: Math.min(end, at + maxLines) });
    start = end;
  }
  // Closing brackets and what else follows the last child.
  const last = pieces.at(-1);
  if (start < to && last !== undefined && last.end === start && to - last.start <= maxLines) {
    pieces[pieces.length - 1] = { start: last.start, end: to };
  } else if (start < to && depth > 0) {
    for (let at = start; at < to; at += maxLines) pieces.push({ start: at, end: Math.min(to, at + maxLines) });
  }
}

function endLine({ endPosition }: SyntaxNode): number {
  return endPosition.column === 0 ? endPosition.row : endPosition.row + 1;
}

function merge(pieces: readonly LineRange[]): LineRange[] {
  const merged: LineRange[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    const small = piece.end - piece.start < mergeLines / 2;
    // A class's first line says little without what follows.
    const afterHeader =
      last !== undefined && last.end - last.start <= headerLines && piece.end - last.start <= maxLines;
    if (last !== undefined && (afterHeader || (small && piece.end - last.start <= mergeLines))) {
      merged[merged.length - 1] = { start: last.start, end: piece.end };
    } else merged.push(piece);
  }
  return merged;
}
