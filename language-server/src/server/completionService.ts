import type {
  InlineCompletionItem,
  InlineCompletionParams,
  Position,
  SelectedCompletionInfo,
} from 'vscode-languageserver-protocol';
import type { Settings } from '#protocol/settings.ts';
import { acceptedCommand } from '#protocol/signals.ts';
import type { NoSuggestionReason, Trace } from '#protocol/trace.ts';
import { budgetFor } from '../completion/budget.ts';
import { createSuggestionCache } from '../completion/cache.ts';
import { applyFilters } from '../completion/filters/apply.ts';
import { completionMode } from '../completion/mode.ts';
import { createStopRule } from '../completion/stop.ts';
import { debounceMs } from '../completion/trigger.ts';
import type { RecentEdits } from '../context/recentEdits.ts';
import type { Engine } from '../engine/engine.ts';
import type { EngineState } from '../engine/modelHost.ts';
import { createPromptAssembler } from './assemblePrompt.ts';
import { lineAt, type OpenDocument, textAfter, textBefore, usesCrlf } from './documents.ts';
import { canJoin, type InFlight, type Place } from './inFlight.ts';
import { sleep } from './sleep.ts';
import { newTrace, type TraceLog } from './traceLog.ts';

export interface CompletionDeps {
  readonly engine: () => EngineState;
  readonly settings: () => Settings;
  readonly document: (uri: string) => OpenDocument | undefined;
  readonly tabs: () => readonly string[];
  readonly edits: RecentEdits;
  readonly excluded: (uri: string) => boolean;
  readonly traces: TraceLog;
  readonly now: () => number;
  readonly newId: () => string;
  readonly working: (delta: 1 | -1) => void;
}

export interface CompletionService {
  complete(params: InlineCompletionParams, signal: AbortSignal): Promise<InlineCompletionItem | undefined>;
  /** Prepares the model for a place where the cursor came to rest. */
  prepare(uri: string, position: Position): Promise<void>;
  closed(uri: string): void;
}

const largestDocumentUnits = 50_000_000;
const longestLineUnits = 2_000;
/** After the editor withdraws a request because of a keystroke, its next one is this close; a fitting one goes on. */
const joinGraceMs = 80;
const maxBlockLines = 12;
/** The model may still be loading when the first keystroke comes. */
const loadPatienceMs = 8_000;

interface Outcome {
  readonly text: string | undefined;
  readonly reason?: NoSuggestionReason;
}

/** Everything between an editor's request and its answer, for one window. One generation at a time. */
export function createCompletionService(deps: CompletionDeps): CompletionService {
  const cache = createSuggestionCache();
  const prompts = createPromptAssembler({ ...deps, withSnippets: () => deps.settings().contextFromOtherFiles });
  let flight: InFlight<Outcome> | undefined;
  let preparing: AbortController | undefined;
  let expectedMs: number | undefined;
  let newest = 0;

  async function complete(
    params: InlineCompletionParams,
    signal: AbortSignal,
  ): Promise<InlineCompletionItem | undefined> {
    const started = deps.now();
    const trace = newTrace(deps.newId(), params.textDocument.uri, params.position);
    const item = await answer(params, signal, trace).catch((error: unknown) => {
      trace.reason = 'error';
      trace.detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return undefined;
    });
    trace.stagesMs.total = deps.now() - started;
    deps.traces.add(trace);
    return item;
  }

  async function answer(
    params: InlineCompletionParams,
    signal: AbortSignal,
    trace: Trace,
  ): Promise<InlineCompletionItem | undefined> {
    const document = deps.document(params.textDocument.uri);
    const refusal = refuse(document, params.position);
    if (document === undefined || refusal !== undefined) return nothing(trace, refusal ?? 'unknownDocument');
    trace.languageId = document.text.languageId;
    const place = placeAt(document, params.position, params.context.selectedCompletionInfo);

    const cached = offerCached(trace, params, place, 'cache');
    if (cached !== undefined) return cached;

    if (flight !== undefined && canJoin(flight, place)) {
      const joined = await waitFor(flight, signal);
      if (signal.aborted) return nothing(trace, 'cancelled');
      if (joined !== undefined) {
        const item = offerCached(trace, params, place, 'inFlight');
        if (item !== undefined) return item;
      }
    }

    // A flood of requests is answered by its last one: the others cost no prompt and no model.
    const turn = ++newest;
    await new Promise((resolve) => setImmediate(resolve));
    if (turn !== newest) return nothing(trace, 'superseded');

    const engine = await readyEngine(trace, signal);
    if (engine === undefined) return undefined;
    const waitMs = debounceMs({ gapsMs: document.gapsMs, expectedMs });
    if (waitMs > 0) {
      trace.stagesMs.queue = waitMs;
      await sleep(waitMs, signal);
    }
    if (signal.aborted) return nothing(trace, 'cancelled');

    flight?.controller.abort();
    preparing?.abort();
    const started = launch(engine, document, place, trace);
    flight = started;
    const outcome = await waitFor(started, signal);
    if (outcome?.text === undefined) {
      return nothing(trace, outcome?.reason ?? (signal.aborted ? 'cancelled' : 'superseded'));
    }
    if (signal.aborted) return nothing(trace, 'cancelled');
    return offerCached(trace, params, place, 'model') ?? nothing(trace, 'empty');
  }

  function launch(engine: Engine, document: OpenDocument, place: Place, trace: Trace): InFlight<Outcome> {
    const controller = new AbortController();
    const state: { -readonly [K in keyof InFlight<Outcome>]: InFlight<Outcome>[K] } = {
      uri: place.uri,
      offset: place.offset,
      before: place.prefix.slice(-160),
      after: place.suffix.slice(0, 160),
      documentVersion: document.text.version,
      controller,
      generated: '',
      waiting: 0,
      result: Promise.resolve({ text: undefined }),
    };
    state.result = generate(engine, document, place, trace, state).finally(() => {
      if (flight === state) flight = undefined;
    });
    return state;
  }

  async function generate(
    engine: Engine,
    document: OpenDocument,
    place: Place,
    trace: Trace,
    state: Pick<InFlight<Outcome>, 'controller' | 'generated'>,
  ): Promise<Outcome> {
    const settings = deps.settings();
    const { languageId } = document.text;
    const began = deps.now();
    const budget = budgetFor(engine.speed(), engine.contextTokens);
    const prompt = prompts.assemble(engine, document, place, budget);
    Object.assign(trace.stagesMs, prompt.stagesMs);
    trace.prompt = prompt.text;
    trace.healed = prompt.required;

    const context = {
      prefix: place.prefix.replaceAll('\r\n', '\n'),
      suffix: place.suffix.replaceAll('\r\n', '\n'),
      languageId,
    };
    const mode = completionMode({ ...context, multiline: settings.multiline });
    const stop = createStopRule({ ...context, mode, maxLines: maxBlockLines });
    const ending: { stopped: ReturnType<typeof stop> } = { stopped: null };
    deps.working(1);
    const result = await engine
      .generate(
        {
          tokens: prompt.tokens,
          required: prompt.required,
          maxTokens: mode.mode === 'line' ? budget.lineTokens : budget.blockTokens,
          onText(text) {
            state.generated = text.slice(prompt.required.length);
            ending.stopped = stop(state.generated);
            return ending.stopped !== null;
          },
        },
        state.controller.signal,
      )
      .finally(() => deps.working(-1));
    trace.source = 'model';
    trace.promptTokens = result.promptTokens;
    trace.reusedTokens = result.reusedTokens;
    trace.evaluatedTokens = result.evaluatedTokens;
    trace.decodedTokens = result.decodedTokens;
    trace.stagesMs.prefill = result.prefillMs;
    trace.stagesMs.decode = result.decodeMs;
    deps.traces.count(result);
    if (result.ended === 'cancelled') {
      trace.stop = 'cancelled';
      return { text: undefined };
    }
    trace.raw = state.generated;
    trace.stop = stopWhy(ending.stopped, result.ended);

    const filtersBegan = deps.now();
    const filtered = applyFilters(ending.stopped?.text ?? state.generated, { ...context, mode });
    trace.filters = [...filtered.applied];
    trace.stagesMs.filters = deps.now() - filtersBegan;
    expectedMs = deps.now() - began;
    if (filtered.text === null || filtered.text === '') return { text: undefined, reason: filtered.reason ?? 'empty' };
    const text = usesCrlf(document.text) ? filtered.text.replaceAll('\n', '\r\n') : filtered.text;
    cache.add({
      uri: place.uri,
      offset: place.offset,
      before: place.prefix,
      after: place.suffix,
      text,
      itemId: trace.id,
    });
    return { text };
  }

  /** Waits for a generation; when nobody waits any more it is stopped, after a grace in which a keystroke may join it. */
  async function waitFor(target: InFlight<Outcome>, signal: AbortSignal): Promise<Outcome | undefined> {
    target.waiting++;
    const withdrawn = new Promise<undefined>((resolve) => {
      if (signal.aborted) resolve(undefined);
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    const outcome = await Promise.race([target.result, withdrawn]);
    target.waiting--;
    if (signal.aborted && target.waiting === 0) {
      const changed = deps.document(target.uri)?.text.version !== target.documentVersion;
      if (!changed) target.controller.abort();
      else setTimeout(() => target.waiting === 0 && target.controller.abort(), joinGraceMs).unref();
    }
    return outcome;
  }

  async function readyEngine(trace: Trace, signal: AbortSignal): Promise<Engine | undefined> {
    let state = deps.engine();
    if (state.kind === 'loading') {
      await Promise.race([state.loaded, sleep(loadPatienceMs, signal)]);
      state = deps.engine();
    }
    if (state.kind === 'ready') return state.engine;
    nothing(trace, state.kind === 'loading' ? 'modelLoading' : state.reason);
    return undefined;
  }

  function refuse(document: OpenDocument | undefined, position: Position): NoSuggestionReason | undefined {
    if (document === undefined) return 'unknownDocument';
    const { text } = document;
    if (text.offsetAt({ line: text.lineCount, character: 0 }) > largestDocumentUnits) return 'documentTooLarge';
    if (deps.excluded(text.uri)) return 'excluded';
    const line = lineAt(text, position.line);
    if (line.length > longestLineUnits) return 'lineTooLong';
    if (/^[\p{L}\p{M}\p{N}_$]/u.test(line.slice(position.character))) return 'midWord';
    return undefined;
  }

  function offerCached(
    trace: Trace,
    params: InlineCompletionParams,
    place: Place,
    source: Trace['source'],
  ): InlineCompletionItem | undefined {
    const hit = cache.find(place);
    if (hit === undefined) return undefined;
    if (source !== 'model') trace.source = source;
    trace.completion = place.lead + hit.text;
    const end = { line: params.position.line, character: params.position.character + hit.replaceAfter.length };
    return {
      insertText: place.lead + hit.text,
      range: { start: place.replaceFrom, end },
      command: { title: '', command: acceptedCommand, arguments: [hit.suggestion.itemId] },
    };
  }

  async function prepare(uri: string, position: Position): Promise<void> {
    const document = deps.document(uri);
    const state = deps.engine();
    if (document === undefined || state.kind !== 'ready' || flight !== undefined || deps.excluded(uri)) return;
    preparing?.abort();
    const controller = new AbortController();
    preparing = controller;
    const budget = budgetFor(state.engine.speed(), state.engine.contextTokens);
    const prompt = prompts.assemble(state.engine, document, placeAt(document, position, undefined), budget);
    await state.engine.prefill(prompt.tokens, controller.signal);
  }

  return {
    complete,
    prepare,
    closed(uri) {
      cache.forget(uri);
      prompts.forget(uri);
      if (flight?.uri === uri) flight.controller.abort();
    },
  };
}

function nothing(trace: Trace, reason: NoSuggestionReason): undefined {
  trace.reason = reason;
  return undefined;
}

function stopWhy(stopped: { readonly why: 'line' | 'block' | 'suffix' } | null, ended: string): Trace['stop'] {
  if (stopped !== null) return stopped.why;
  return ended === 'endOfText' ? 'endOfText' : 'maxTokens';
}

function placeAt(document: OpenDocument, position: Position, selected: SelectedCompletionInfo | undefined): Place {
  const { text } = document;
  const documentOffset = text.offsetAt(position);
  const prefix = textBefore(text, documentOffset);
  const plain: Place = {
    uri: text.uri,
    offset: documentOffset,
    documentOffset,
    prefix,
    suffix: textAfter(text, documentOffset),
    lead: '',
    replaceFrom: position,
  };
  if (selected === undefined) return plain;
  const typed = documentOffset - text.offsetAt(selected.range.start);
  const added = selected.text.length - typed;
  if (typed < 0 || added < 0) return plain;
  return {
    ...plain,
    offset: documentOffset + added,
    prefix: prefix.slice(0, prefix.length - typed) + selected.text,
    lead: selected.text,
    replaceFrom: selected.range.start,
  };
}
