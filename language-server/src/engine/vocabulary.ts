import type { TokenId } from './engine.ts';

/**
 * Token texts, searchable by prefix: token healing asks at each step which tokens could spell what must come next.
 * Tokens that are no text by themselves (special ones, parts of a UTF-8 sequence) are left out.
 */
export interface Vocabulary {
  /** Tokens that continue `required`: those that begin with it, and those that are a beginning of it. */
  spelling(required: string): TokenId[];
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
      const found: TokenId[] = [];
      for (let length = 1; length < required.length && length <= longest; length++) {
        found.push(...(byText.get(required.slice(0, length)) ?? []));
      }
      for (let i = lowerBound(sorted, required); i < sorted.length; i++) {
        const entry = sorted[i];
        if (entry === undefined || !entry[1].startsWith(required)) break;
        found.push(entry[0]);
      }
      return found;
    },
    // U+FFFF is no character, so it comes after everything that begins with `required`.
    countBeginning: (required) => lowerBound(sorted, `${required}\uFFFF`) - lowerBound(sorted, required),
  };
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
