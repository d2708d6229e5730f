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

/**
 * A pause this long after an answer means that the developer reads it, thinks, or types through it: what is evaluated then is
 * evaluated in small pieces, and goes on in the next pause where a key has stopped it.
 */
const pauseMs = 350;

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
      countEvaluated((await engine.prefill(prompt.tokens, signal)).evaluatedTokens);
      // A key that comes meanwhile finds the prompt above: with chunks it would wait for twice as many tokens.
      const better = signal.aborted ? undefined : prompts.renewal(engine, document, place, budget, 'chunks');
      if (better === undefined) return;
      countEvaluated((await engine.prefill(better.tokens, signal)).evaluatedTokens);
      if (!signal.aborted) better.adopt();
    },
    ahead(engine, document, place) {
      const signal = begin();
      void (async () => {
        await sleep(pauseMs, signal);
        if (signal.aborted) return;
        const budget = budgetFor(engine.speed(), engine.contextTokens);
        await look(document, place);
        if (signal.aborted) return;
        const next =
          prompts.renewal(engine, document, place, budget, 'window') ??
          prompts.renewal(engine, document, place, budget, 'chunks');
        if (next === undefined) return;
        countEvaluated((await engine.prefill(next.tokens, signal)).evaluatedTokens);
        if (!signal.aborted) next.adopt();
      })().catch(() => undefined);
    },
    stop: () => current.abort(),
  };
}
