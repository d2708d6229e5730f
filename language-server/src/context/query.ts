import type { WeightedTerm } from './bm25.ts';
import { forEachTerm } from './terms.ts';

/** The place that chunks are wanted for. */
export interface QueryText {
  /** The end of the text before the cursor. */
  readonly before: string;
  /** The start of the text after it. */
  readonly after: string;
}

const linesBefore = 16;
const linesAfter = 6;
/** A line's weight falls by this factor for each line that it lies further from the cursor. */
const decay = 0.72;
/** What follows says almost as much of what is to be written as what precedes it. */
const afterWeight = 0.8;
/** A term that is repeated counts for more, but not in proportion. */
const most = 2.5;

/** The terms around the cursor, the nearest with the most weight; at most a few dozen. */
export function queryTerms({ before, after }: QueryText): WeightedTerm[] {
  const weights = new Map<number, number>();
  const add = (line: string, weight: number): void =>
    forEachTerm(line, (term) => void weights.set(term, Math.min(most, (weights.get(term) ?? 0) + weight)));
  for (const [distance, line] of before.split('\n').slice(-linesBefore).toReversed().entries()) {
    add(line, decay ** distance);
  }
  for (const [distance, line] of after
    .split('\n')
    .slice(1, 1 + linesAfter)
    .entries()) {
    add(line, afterWeight * decay ** distance);
  }
  return [...weights].map(([term, weight]) => ({ term, weight }));
}
