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

/** Of an evaluated prompt, with what was written after it: a prompt that shares all but so many tokens goes on from it. */
const writtenTokens = 64;

/**
 * The same for a prompt that nobody waits for yet: the slot that served last keeps what the next key needs, unless the prompt
 * goes on from it. Else preparing one with other chunks would cut the present one off where they differ.
 */
export function chooseSlotAside<S extends Slot>(
  slots: readonly S[],
  prompt: readonly TokenId[],
  serving: S | undefined,
): S | undefined {
  const goesOn = serving && sharedPrefix(serving.tokens, prompt) >= serving.tokens.length - writtenTokens;
  const others = slots.filter((slot) => slot !== serving);
  return goesOn || others.length === 0 ? chooseSlot(slots, prompt) : chooseSlot(others, prompt);
}

export function sharedPrefix(a: readonly TokenId[], b: readonly TokenId[]): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  return i;
}
