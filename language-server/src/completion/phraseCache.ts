/** Tokens that a developer wrote after the same tokens before: a cache language model over their own code. */
export interface PhraseCache {
  add(tokens: readonly number[]): void;
  /** What they most often wrote after the end of these tokens, and how much it is preferred, in nats. */
  likely(tokens: readonly number[]): readonly { readonly token: number; readonly bonus: number }[];
}

/** Longer phrases say more: the longest that was met decides. Chosen beforehand, not tuned. */
const phrases = [
  { length: 6, bonus: 3 },
  { length: 4, bonus: 2 },
  { length: 3, bonus: 1 },
] as const;
/** A phrase speaks only if so much of what followed it was one token. */
const clearShare = 0.5;
/** Bounds the memory; the oldest phrases stay, since a developer's habits do. */
const mostPhrases = 400_000;

export function createPhraseCache(): PhraseCache {
  const followers = new Map<string, Map<number, number>>();
  const keyAt = (tokens: readonly number[], end: number, length: number) => tokens.slice(end - length, end).join(' ');
  return {
    add(tokens) {
      for (const { length } of phrases) {
        for (let end = length; end < tokens.length; end++) {
          const key = keyAt(tokens, end, length);
          const next = tokens[end] ?? 0;
          const counts = followers.get(key) ?? new Map<number, number>();
          if (counts.size === 0 && followers.size >= mostPhrases) continue;
          counts.set(next, (counts.get(next) ?? 0) + 1);
          followers.set(key, counts);
        }
      }
    },
    likely(tokens) {
      for (const { length, bonus } of phrases) {
        const counts = tokens.length < length ? undefined : followers.get(keyAt(tokens, tokens.length, length));
        if (counts === undefined) continue;
        const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
        const [best] = [...counts].toSorted((a, b) => b[1] - a[1]);
        if (best !== undefined && best[1] / total >= clearShare)
          return [{ token: best[0], bonus: bonus * (best[1] / total) }];
      }
      return [];
    },
  };
}
