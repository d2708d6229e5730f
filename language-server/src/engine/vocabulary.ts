import type { TokenId } from './engine.ts';

/** Tokens that leave the same number of characters of a required text to those after them. */
export interface Spelling {
  readonly tokens: readonly TokenId[];
  readonly left: number;
}

/**
 * Token texts, searchable by prefix: token healing asks at each step which tokens could spell what must come next.
 * Tokens that are no text by themselves (special ones, parts of a UTF-8 sequence) are left out.
 */
export interface Vocabulary {
  /** Tokens that continue `required`: those that begin with it, and those that are a beginning of it. */
  spelling(required: string): Spelling[];
  /** How many tokens begin with `required`; far cheaper than listing them. */
  countBeginning(required: string): number;
}

export function createVocabulary(entries: Iterable<readonly [TokenId, string]>): Vocabulary {
  const sorted = [...entries].filter(([, text]) => text.length > 0 && !text.includes('\uFFFD'));
  sorted.sort((a, b) => (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0));
  const byText = new Map<string, TokenId[]>();
  for (const [id, text] of sorted) {
    const same = byText.get(text);
    if (same) same.push(id);
    else byText.set(text, [id]);
  }
  const longest = sorted.reduce((length, [, text]) => Math.max(length, text.length), 0);

  return {
    spelling(required) {
      const found: Spelling[] = [];
      for (let length = 1; length < required.length && length <= longest; length++) {
        const tokens = byText.get(required.slice(0, length));
        if (tokens) found.push({ tokens, left: required.length - length });
      }
      const whole = sorted.slice(lowerBound(sorted, required), afterAll(sorted, required)).map(([token]) => token);
      if (whole.length > 0) found.push({ tokens: whole, left: 0 });
      return found;
    },
    countBeginning: (required) => afterAll(sorted, required) - lowerBound(sorted, required),
  };
}

/** Where those that begin with `text` end: U+FFFF is no character, so it comes after all of them. */
function afterAll(sorted: readonly (readonly [TokenId, string])[], text: string): number {
  return lowerBound(sorted, `${text}\uFFFF`);
}

function lowerBound(sorted: readonly (readonly [TokenId, string])[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = sorted[middle];
    if (entry !== undefined && entry[1] < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
