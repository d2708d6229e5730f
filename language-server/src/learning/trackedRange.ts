/** An edit, in UTF-16 units of the document before it. */
export interface Edit {
  readonly offset: number;
  readonly length: number;
  readonly text: string;
}

/** A stretch of a document that is followed through edits: `[start, end)`. */
export interface TrackedRange {
  readonly start: number;
  readonly end: number;
  /** Text that is inserted right at its end belongs to it: the developer is still writing it. */
  readonly growing: boolean;
}

/**
 * Where the stretch is after an edit. What replaces a part of it belongs to it, also where the edit reaches beyond. A
 * stretch of which nothing is left grows by what is written in its place.
 */
export function follow(range: TrackedRange, { offset, length, text }: Edit): TrackedRange {
  const editEnd = offset + length;
  const delta = text.length - length;
  if (editEnd < range.start || (editEnd === range.start && !(range.growing && range.start === range.end))) {
    return { ...range, start: range.start + delta, end: range.end + delta };
  }
  if (offset > range.end || (offset === range.end && !range.growing)) return range;
  const start = Math.min(range.start, offset);
  const end = Math.max(range.end, editEnd) + delta;
  return { start, end, growing: range.growing || end - start === 0 };
}
