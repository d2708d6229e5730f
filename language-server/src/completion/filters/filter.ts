import type { NoSuggestionReason } from '#protocol/trace.ts';
import { isBlank } from '../lines.ts';
import type { CompletionMode, Place } from '../mode.ts';

export interface FilterContext extends Place {
  readonly mode: CompletionMode;
}

/** What a filter makes of a completion. */
export type Verdict =
  | { readonly kind: 'keep' }
  | { readonly kind: 'change'; readonly text: string }
  | { readonly kind: 'withhold'; readonly reason: NoSuggestionReason };

/** Pure: the same completion in the same place always gets the same verdict. */
export type Filter = (completion: string, context: FilterContext) => Verdict;

export const keep: Verdict = { kind: 'keep' };

export function withhold(reason: NoSuggestionReason): Verdict {
  return { kind: 'withhold', reason };
}

/** Keeps the text up to `at`; a completion of which nothing is left is withheld. */
export function cutAt(completion: string, at: number, reason: NoSuggestionReason): Verdict {
  const text = completion.slice(0, at);
  if (isBlank(text)) return withhold(reason);
  return text === completion ? keep : { kind: 'change', text };
}

/** A line of a completion and where it begins in it. */
export interface Line {
  readonly start: number;
  readonly text: string;
}

/** The lines that have content. */
export function contentLinesOf(completion: string): readonly Line[] {
  const lines: Line[] = [];
  for (let start = 0; start <= completion.length; ) {
    const newline = completion.indexOf('\n', start);
    const end = newline < 0 ? completion.length : newline;
    const text = completion.slice(start, end).replace(/\r$/, '');
    if (!isBlank(text)) lines.push({ start, text });
    start = end + 1;
  }
  return lines;
}
