import { budgetFor } from '../completion/budget.ts';
import type { Engine } from '../engine/engine.ts';
import type { PromptAssembler } from './assemblePrompt.ts';
import type { OpenDocument } from './documents.ts';
import type { Place } from './place.ts';
import { sleep } from './sleep.ts';

/** Uses pauses to evaluate prompts before they are needed; any request stops it within a chunk. */
export interface Preparer {
  /** For a place where the cursor came to rest. */
  here(engine: Engine, document: OpenDocument, place: Place): Promise<void>;
  /** For the window that the document will need soon, when the present one is nearly full, or for better chunks. */
  ahead(engine: Engine, document: OpenDocument, place: Place): void;
  stop(): void;
}

/** A pause this long after an answer means that the developer reads it. */
const pauseMs = 350;
/**
 * After so long the developer thinks: there is time to evaluate a prompt with better chunks, which is wanted less than the next
 * window. A key that comes while a chunk of tokens is evaluated waits for its end.
 */
const longPauseMs = 1_000;

/** `look` asks the repository's index about a place; the prompts know of its answer. */
export function createPreparer(
  prompts: PromptAssembler,
  look: (document: OpenDocument, place: Place) => Promise<void>,
  countEvaluated: (tokens: number) => void,
): Preparer {
  let current = new AbortController();

  function begin(): AbortSignal {
    current.abort();
    current = new AbortController();
    return current.signal;
  }

  return {
    async here(engine, document, place) {
      const signal = begin();
      await look(document, place);
      if (signal.aborted) return;
      const budget = budgetFor(engine.speed(), engine.contextTokens);
      const prompt = prompts.assemble(engine, document, place, budget);
      // Nobody waits where the cursor rests: chunks that were not worth a wait may enter here.
      const better = prompts.renewal(engine, document, place, budget, 'chunks');
      const { evaluatedTokens } = await engine.prefill(better?.tokens ?? prompt.tokens, signal);
      countEvaluated(evaluatedTokens);
      if (!signal.aborted) better?.adopt();
    },
    ahead(engine, document, place) {
      const signal = begin();
      void (async () => {
        await sleep(pauseMs, signal);
        if (signal.aborted) return;
        const budget = budgetFor(engine.speed(), engine.contextTokens);
        let next = prompts.renewal(engine, document, place, budget, 'window');
        if (next === undefined) {
          await sleep(longPauseMs - pauseMs, signal);
          if (signal.aborted) return;
          await look(document, place);
          if (signal.aborted) return;
          next = prompts.renewal(engine, document, place, budget, 'chunks');
        }
        if (next === undefined) return;
        countEvaluated((await engine.prefill(next.tokens, signal)).evaluatedTokens);
        if (!signal.aborted) next.adopt();
      })().catch(() => undefined);
    },
    stop: () => current.abort(),
  };
}
