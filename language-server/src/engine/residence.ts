import type { LlamaContext, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp';
import {
  type AdapterUse,
  nextPlacement,
  type Placement,
  type PlacementDeps,
  retire,
  type SetAdaptersOutcome,
  sameAdapters,
} from './adapters.ts';
import type { TokenId } from './engine.ts';
import { createQueue } from './queue.ts';
import { chooseSlot, chooseSlotAside, type Slot, sharedPrefix } from './slots.ts';

/** Prompts kept evaluated at once: two windows, or two places that a developer goes back and forth between. */
export const slotCount = 3;
/** A request that comes while a prompt is evaluated again waits for one such piece. */
const rewarmChunk = 64;

export interface LlamaSlot extends Slot {
  readonly sequence: LlamaContextSequence;
}

/** Where an engine's prompts live: weights, one context and its slots, exchanged as a whole when the adapters change. */
export interface Residence extends AsyncDisposable {
  weights(): LlamaModel;
  adapters(): readonly AdapterUse[];
  /** The slot to evaluate a prompt in; only inside the engine's queue. */
  take(prompt: readonly TokenId[]): LlamaSlot;
  /** The same for a prompt that nobody waits for yet. */
  takeAside(prompt: readonly TokenId[]): LlamaSlot;
  setAdapters(adapters: readonly AdapterUse[]): Promise<SetAdaptersOutcome>;
}

export interface ResidenceDeps extends PlacementDeps {
  /** The engine's queue: one task at a time works on the context. */
  readonly enqueue: ReturnType<typeof createQueue>;
  /** Whether no request waits or runs. */
  readonly idle: () => boolean;
}

export function createResidence(first: Placement, deps: ResidenceDeps): Residence {
  const swaps = createQueue();
  let place = first;
  let slots = openSlots(place.context);
  let clock = 0;
  /** Holds the prompt that the next key goes on from. */
  let serving: LlamaSlot | undefined;
  let closing = false;

  async function swap(adapters: readonly AdapterUse[]): Promise<SetAdaptersOutcome> {
    if (closing || sameAdapters(place.adapters, adapters)) return { ok: true };
    // Made beside the one that serves: a request waits for the exchange only, which takes no time.
    const next = await nextPlacement(place, adapters, deps);
    if (!next.ok) return next;
    const previous = place;
    let prompt: readonly TokenId[] = [];
    await deps.enqueue(async () => {
      prompt = slots.reduce((newest, slot) => (slot.lastUsed > newest.lastUsed ? slot : newest)).tokens.slice();
      place = next.placement;
      slots = openSlots(place.context);
      // The first takes over the last prompt (rewarm).
      [serving] = slots;
    });
    await retire(previous, place);
    await rewarm(prompt);
    return { ok: true };
  }

  /** The prompt that was used last is evaluated under the new adapters, in idle time, so that the next keystroke finds it. */
  async function rewarm(tokens: readonly TokenId[]): Promise<void> {
    const [slot] = slots;
    if (slot === undefined) return;
    const { sequence } = slot;
    const more = () =>
      sequence.nextTokenIndex < tokens.length &&
      sharedPrefix(sequence.contextTokens, tokens) === sequence.nextTokenIndex;
    while (!closing && deps.idle() && more()) {
      await deps.enqueue(async () => {
        if (!more()) return;
        slot.lastUsed = ++clock;
        const from = sequence.nextTokenIndex;
        await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(from, from + rewarmChunk) as Token[]);
      });
    }
  }

  function used(slot: LlamaSlot | undefined): LlamaSlot {
    if (slot === undefined) throw new Error('An engine has at least one slot.');
    slot.lastUsed = ++clock;
    return slot;
  }

  return {
    weights: () => place.weights,
    adapters: () => place.adapters,
    take(prompt) {
      serving = used(chooseSlot(slots, prompt));
      return serving;
    },
    takeAside: (prompt) => used(chooseSlotAside(slots, prompt, serving)),
    setAdapters: (adapters) => swaps(() => swap(adapters)),
    async [Symbol.asyncDispose]() {
      closing = true;
      await swaps(() => deps.enqueue(() => retire(place)));
    },
  };
}

function openSlots(context: LlamaContext): LlamaSlot[] {
  return Array.from({ length: slotCount }, (): LlamaSlot => {
    const sequence = context.getSequence();
    return {
      sequence,
      lastUsed: 0,
      get tokens() {
        return sequence.contextTokens;
      },
    };
  });
}
