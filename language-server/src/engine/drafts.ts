import type { TokenId } from './engine.ts';

/**
 * Prompt lookup decoding (Saxena 2023): code repeats itself, so what followed the last tokens earlier in the prompt is a
 * good guess of what follows now. The model verifies a guess, so under greedy decoding it never changes the output.
 *
 * Returns up to `maxDraft` tokens that followed the most recent earlier occurrence of the last `minMatch` or more tokens.
 */
export function lookUpDraft(tokens: readonly TokenId[], minMatch: number, maxDraft: number): TokenId[] {
  const end = tokens.length;
  if (end <= minMatch) return [];
  for (let at = end - 2; at >= minMatch - 1; at--) {
    if (tokens[at] !== tokens[end - 1] || !matches(tokens, at, minMatch)) continue;
    return tokens.slice(at + 1, Math.min(at + 1 + maxDraft, end));
  }
  return [];
}

function matches(tokens: readonly TokenId[], at: number, length: number): boolean {
  for (let i = 1; i < length; i++) if (tokens[at - i] !== tokens[tokens.length - 1 - i]) return false;
  return true;
}
