import type { Engine, GenerateRequest, TokenId } from '../../language-server/src/engine/engine.ts';
import { createQueue } from '../../language-server/src/engine/queue.ts';
import { slotCount } from '../../language-server/src/engine/residence.ts';
import { chooseSlot, chooseSlotAside, sharedPrefix } from '../../language-server/src/engine/slots.ts';
import { sleep } from '../../language-server/src/server/sleep.ts';

/** Tokens per second, as one thread of the machine of docs/benchmarks.md evaluates and writes with the embedded default. */
const speed = { prefill: 190, decode: 65 };
const waitedFor = { piece: 64, tokensPerSecond: speed.prefill };
/** In pauses: smaller pieces, which cost each token a fifth more. */
const prepared = { piece: 16, tokensPerSecond: 158 };
const unitsAToken = 3.5;

export interface Work {
  /** Of prompts that somebody waits for: all tokens, those that were there already, and those evaluated. */
  promptTokens: number;
  reusedTokens: number;
  evaluatedTokens: number;
  /** Evaluated in pauses. */
  preparedTokens: number;
}

/**
 * The product's rules of keeping and evaluating prompts without a model: each piece takes the time that it would, by timers, and
 * what is written is given by `writes`. The tokenizer is the model's.
 */
export function createVirtualEngine(
  vocabulary: Engine,
  work: Work,
  writes: (request: GenerateRequest) => string,
): Engine {
  const never = new AbortController().signal;
  const inTurn = createQueue();
  const slots = Array.from({ length: slotCount }, () => ({ lastUsed: 0, tokens: [] as readonly TokenId[] }));
  let clock = 0;

  let serving: (typeof slots)[number] | undefined;

  /** Returns how many tokens were there already, and how many were evaluated before the signal was cancelled. */
  async function evaluate(
    slot: (typeof slots)[number] | undefined,
    tokens: readonly TokenId[],
    end: number,
    { piece, tokensPerSecond }: typeof prepared,
    signal: AbortSignal,
  ) {
    if (slot === undefined) throw new Error('An engine has at least one slot.');
    const reused = Math.min(sharedPrefix(slot.tokens, tokens), end);
    slot.lastUsed = ++clock;
    let at = reused;
    slot.tokens = tokens.slice(0, at);
    while (at < end && !signal.aborted) {
      const next = Math.min(at + piece, end);
      await sleep(((next - at) / tokensPerSecond) * 1000, never);
      at = next;
      slot.tokens = tokens.slice(0, at);
    }
    return { slot, reused, evaluated: at - reused };
  }

  return {
    ...vocabulary,
    prefill: (tokens, signal) =>
      inTurn(async () => {
        if (signal.aborted) return { evaluatedTokens: 0 };
        const slot = chooseSlotAside(slots, tokens, serving);
        const { evaluated } = await evaluate(slot, tokens, tokens.length, prepared, signal);
        work.preparedTokens += evaluated;
        return { evaluatedTokens: evaluated };
      }),
    generate(request, signal) {
      const { tokens, required } = request;
      const written = writes(request);
      return inTurn(async () => {
        const result = {
          ...{ text: '', promptTokens: tokens.length, prefillMs: 0, decodeMs: 0, decodedTokens: 0 },
          afterCancel: { prefillTokens: 0, decodeTokens: 0 },
        };
        if (signal.aborted) return { ...result, ended: 'cancelled', reusedTokens: 0, evaluatedTokens: 0 };
        serving = chooseSlot(slots, tokens);
        const { slot, reused, evaluated } = await evaluate(serving, tokens, tokens.length - 1, waitedFor, signal);
        let stopped = false;
        for (let units = 0; units <= written.length && !stopped && !signal.aborted; units += unitsAToken) {
          await sleep(1000 / speed.decode, never);
          const text = required + written.slice(0, Math.ceil(units + unitsAToken));
          const soFar = {
            ...result,
            text,
            ended: 'stopped',
            reusedTokens: reused,
            evaluatedTokens: evaluated,
          } as const;
          stopped = request.onText(text, () => soFar);
        }
        if (!signal.aborted) slot.tokens = tokens;
        work.promptTokens += tokens.length;
        work.reusedTokens += reused;
        work.evaluatedTokens += evaluated;
        const ended = signal.aborted ? 'cancelled' : stopped ? 'stopped' : 'endOfText';
        return { ...result, text: required + written, ended, reusedTokens: reused, evaluatedTokens: evaluated };
      });
    },
    speed: () => speed,
    async [Symbol.asyncDispose]() {
      // The vocabulary is its owner's to close.
    },
  };
}
