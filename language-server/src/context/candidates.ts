/** Lines of another place that may enter the prompt. */
export interface Candidate {
  /** Relative to its workspace folder, as the model reads it. */
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Of BM25; 0 for what was not searched for. */
  readonly score: number;
}

/** The part of the document that the prompt shows. */
export interface Shown {
  readonly path: string;
  /** The text from the window's first line to the cursor. */
  readonly before: string;
  /** Line of the window's start, and of the cursor. */
  readonly startLine: number;
  readonly cursorLine: number;
}

/** How many lines after the cursor a chunk of the same file must keep away: they are being written. */
const linesAhead = 1;
/** A chunk most of whose lines are shown already, or stand in a better chunk, adds nothing. */
const sameShare = 0.6;

/** Without chunks that the prompt shows already, and without those that say what a better one says; best first. */
export function withoutRepetition(candidates: readonly Candidate[], shown: Shown): Candidate[] {
  const seen = new Set(contentOf(shown.before));
  const kept: Candidate[] = [];
  for (const candidate of candidates.toSorted((a, b) => b.score - a.score)) {
    const overlaps =
      candidate.path === shown.path &&
      candidate.start <= shown.cursorLine + linesAhead &&
      candidate.end > shown.startLine;
    if (overlaps) continue;
    const lines = contentOf(candidate.text);
    const repeated = lines.filter((line) => seen.has(line)).length;
    if (lines.length === 0 || repeated >= lines.length * sameShare) continue;
    kept.push(candidate);
    for (const line of lines) seen.add(line);
  }
  return kept;
}

/** Lines that say something: a bracket alone is everywhere. */
function contentOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /\w{2}/.test(line));
}
