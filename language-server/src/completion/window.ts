/** Lines of a document, without their ends; `line` counts from 0. */
export type LineReader = (line: number) => string;

/** After moving, the window is filled to this share, so that it need not move again soon. */
const fillAfterMove = 0.55;
/** A first line at the left margin is looked for within this many lines, so that a prompt begins at a statement. */
const searchMarginLines = 8;

export interface WindowInput {
  /** First line of the window that was used last for this document; undefined for a new one. */
  readonly previousStart: number | undefined;
  readonly cursorLine: number;
  readonly lineAt: LineReader;
  readonly budgetTokens: number;
  readonly countTokens: (text: string) => number;
}

/**
 * First line of the text before the cursor that enters the prompt. It stays where it is while the text fits, because a
 * prompt that begins at the same place reuses the KV cache from keystroke to keystroke, and one that slides loses it.
 */
export function windowStart(input: WindowInput): number {
  const { previousStart, cursorLine } = input;
  if (
    previousStart !== undefined &&
    previousStart <= cursorLine &&
    tokensUsed(input, previousStart) <= input.budgetTokens
  ) {
    return previousStart;
  }
  return freshStart(input);
}

/** Where a new window begins for this cursor: about half of the budget behind it, at the left margin if one is near. */
export function freshStart(input: WindowInput): number {
  const target = input.budgetTokens * fillAfterMove;
  let used = 0;
  let start = input.cursorLine;
  while (start > 0 && used < target) {
    const cost = lineTokens(input, start - 1);
    if (used + cost > input.budgetTokens * 0.9) break;
    used += cost;
    start--;
  }
  for (let line = start; line < Math.min(start + searchMarginLines, input.cursorLine); line++) {
    if (/^[\p{L}@#_$/]/u.test(input.lineAt(line))) return line;
  }
  return start;
}

/** Tokens from the window's first line to the end of the cursor's line. */
export function tokensUsed(input: WindowInput, start: number): number {
  let used = 0;
  for (let line = start; line <= input.cursorLine; line++) {
    used += lineTokens(input, line);
    if (used > input.budgetTokens) break;
  }
  return used;
}

function lineTokens(input: WindowInput, line: number): number {
  return input.countTokens(`${input.lineAt(line)}\n`);
}
