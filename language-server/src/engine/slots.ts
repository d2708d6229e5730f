import type { TokenId } from './engine.ts';

/** A place that holds the KV state of one prompt. */
export interface Slot {
  readonly tokens: readonly TokenId[];
  lastUsed: number;
}

/** A slot is worth continuing when it saves at least this many tokens; else the oldest slot is given up. */
const worthKeepingTokens = 32;

/**
 * Chooses where to evaluate a prompt: the slot that shares the longest prefix with it, or, when none shares enough, the
 * one that was used longest ago. So two files, or two places of one file, do not push each other out.
 */
export function chooseSlot<S extends Slot>(slots: readonly S[], prompt: readonly TokenId[]): S | undefined {
  let best: S | undefined;
  let bestShared = -1;
  let oldest: S | undefined;
  for (const slot of slots) {
    const shared = sharedPrefix(slot.tokens, prompt);
    if (shared > bestShared) [best, bestShared] = [slot, shared];
    if (oldest === undefined || slot.lastUsed < oldest.lastUsed) oldest = slot;
  }
  return bestShared >= Math.min(worthKeepingTokens, prompt.length / 2) ? best : oldest;
}

export function sharedPrefix(a: readonly TokenId[], b: readonly TokenId[]): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  return i;
}
