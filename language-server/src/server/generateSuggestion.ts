import type { Settings } from '#protocol/settings.ts';
import type { Trace } from '#protocol/trace.ts';
import type { Budget } from '../completion/budget.ts';
import type { SuggestionCache } from '../completion/cache.ts';
import { applyFilters } from '../completion/filters/apply.ts';
import { languageOf } from '../completion/languages.ts';
import type { createLexer } from '../completion/lex.ts';
import { completeFirstLine } from '../completion/lines.ts';
import { completionMode } from '../completion/mode.ts';
import { normaliseNewlines } from '../completion/prompt.ts';
import { createStopRule, finishText, type Stop } from '../completion/stop.ts';
import { stillFits } from '../completion/trigger.ts';
import type { Engine, GenerateResult } from '../engine/engine.ts';
import type { AskMemory } from './askMemory.ts';
import type { AssembledPrompt } from './assemblePrompt.ts';
import { type OpenDocument, usesCrlf } from './documents.ts';
import type { InFlight, Outcome } from './inFlight.ts';

export interface GenerationDeps {
  readonly cache: SuggestionCache;
  readonly lex: ReturnType<typeof createLexer>;
  readonly settings: () => Settings;
  readonly ask: AskMemory;
  readonly now: () => number;
  readonly count: (result: GenerateResult) => void;
  readonly working: (delta: 1 | -1) => void;
  /** A block's first line is in the cache, while the rest is still being written. */
  readonly begun: () => void;
  /** The item whose first line was offered is longer now. */
  readonly grown: (itemId: string) => void;
}

export interface Generation {
  readonly engine: Engine;
  readonly document: OpenDocument;
  readonly budget: Budget;
  readonly prompt: AssembledPrompt;
  readonly flight: InFlight;
  readonly trace: Trace;
}

const maxBlockLines = 12;

/**
 * Model, stop rule, filters: a suggestion goes into the cache, everything else into the trace. Who waits for a block has its first line
 * as soon as that is written.
 */
export async function generateSuggestion(deps: GenerationDeps, generation: Generation): Promise<Outcome> {
  const { engine, document, budget, prompt, flight, trace } = generation;
  const { place } = flight;
  Object.assign(trace.stagesMs, prompt.stagesMs);
  trace.prompt = prompt.text;
  trace.healed = prompt.required;
  trace.context = prompt.context;

  const { languageId } = document.text;
  const prefix = normaliseNewlines(place.prefix);
  const lexed = deps.lex(prefix, languageOf(languageId));
  const context = { prefix, suffix: normaliseNewlines(place.suffix), languageId, lexed };
  const mode = completionMode({ ...context, multiline: deps.settings().multiline });
  const stopOptions = { ...context, mode, maxLines: maxBlockLines };
  const stopRule = createStopRule(stopOptions);
  const ending: { stop: Stop | null } = { stop: null };
  let offered = '';
  let firstLineCame = false;

  /** Puts what is written into the cache, if the filters leave something of it. The same item grows: its id stays. */
  function suggest(finished: string): ReturnType<typeof applyFilters> {
    const began = deps.now();
    const filtered = applyFilters(finished, { ...context, mode });
    trace.filters = [...filtered.applied];
    trace.stagesMs.filters = deps.now() - began;
    if (filtered.text === null || filtered.text.length <= offered.length) return filtered;
    const text = usesCrlf(document.text) ? filtered.text.replaceAll('\n', '\r\n') : filtered.text;
    const { uri, offset, prefix: before, suffix: after } = place;
    const { features, decision } = prompt.context;
    if (features !== undefined && offered === '') {
      deps.ask.suggested({ itemId: trace.id, features, asked: decision === 'used', novelNames: prompt.novelNames });
    }
    offered = filtered.text;
    deps.cache.add({ uri, offset, before, after, text, itemId: trace.id });
    return filtered;
  }

  deps.working(1);
  const result = await engine
    .generate(
      {
        tokens: prompt.tokens,
        required: prompt.required,
        maxTokens: mode.mode === 'line' ? budget.lineTokens : budget.blockTokens,
        onText(text, soFar) {
          flight.generated = text.slice(prompt.required.length);
          if (!stillFits(flight.generated, flight.typed)) flight.controller.abort();
          ending.stop = stopRule(flight.generated);
          if (ending.stop !== null || flight.controller.signal.aborted) return true;
          const first = mode.mode === 'block' && !firstLineCame ? completeFirstLine(flight.generated) : undefined;
          if (first !== undefined) {
            // Once: a first line that the filters take away stays taken away.
            firstLineCame = true;
            suggest(first);
            record(trace, soFar());
            if (offered !== '') deps.begun();
          }
          return false;
        },
      },
      flight.controller.signal,
    )
    .finally(() => deps.working(-1));
  deps.count(result);
  record(trace, result);
  if (result.ended === 'cancelled') return { kind: 'cancelled' };
  trace.raw = flight.generated;
  trace.stop = ending.stop?.why ?? (result.ended === 'endOfText' ? 'endOfText' : 'maxTokens');

  const begun = offered;
  const finished =
    ending.stop?.text ??
    finishText(stopOptions, flight.generated, result.ended === 'endOfText' ? 'endOfText' : 'maxTokens');
  const filtered = suggest(finished);
  if (offered !== '') {
    if (begun !== '' && offered !== begun) deps.grown(trace.id);
    return { kind: 'suggestion' };
  }
  const echoed = trace.stop === 'suffix' && filtered.reason === 'empty';
  return { kind: 'nothing', reason: echoed ? 'suffixEcho' : (filtered.reason ?? 'empty') };
}

function record(trace: Trace, result: GenerateResult): void {
  trace.source = 'model';
  trace.promptTokens = result.promptTokens;
  trace.reusedTokens = result.reusedTokens;
  trace.evaluatedTokens = result.evaluatedTokens;
  trace.decodedTokens = result.decodedTokens;
  trace.stagesMs.prefill = result.prefillMs;
  trace.stagesMs.decode = result.decodeMs;
  if (result.ended === 'cancelled') trace.stop = 'cancelled';
}
