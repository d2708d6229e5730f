import type { InlineCompletionItem, InlineCompletionParams, Position } from 'vscode-languageserver-protocol';
import type { Settings } from '#protocol/settings.ts';
import { acceptedCommand } from '#protocol/signals.ts';
import type { NoSuggestionReason, Trace } from '#protocol/trace.ts';
import { budgetFor } from '../completion/budget.ts';
import { type CachedSuggestion, type CacheHit, createSuggestionCache } from '../completion/cache.ts';
import { createLexer } from '../completion/lex.ts';
import { debounceMs } from '../completion/trigger.ts';
import type { RecentEdits } from '../context/recentEdits.ts';
import type { Engine, GenerateResult } from '../engine/engine.ts';
import type { EngineState } from '../engine/modelHost.ts';
import type { AskMemory } from './askMemory.ts';
import { createPromptAssembler } from './assemblePrompt.ts';
import { lineAt, type OpenDocument, withInserted } from './documents.ts';
import { type Generation, type GenerationDeps, generateSuggestion } from './generateSuggestion.ts';
import { type InFlight, type Outcome, typedSince } from './inFlight.ts';
import { type Place, placeAt } from './place.ts';
import { createPreparer } from './prepare.ts';
import type { RepositoryContext } from './repositoryContext.ts';
import { sleep } from './sleep.ts';
import { newTrace, type TraceLog } from './traceLog.ts';

export interface CompletionDeps {
  readonly engine: () => EngineState;
  readonly settings: () => Settings;
  readonly document: (uri: string) => OpenDocument | undefined;
  readonly tabs: () => readonly string[];
  readonly edits: RecentEdits;
  readonly excluded: (uri: string) => boolean;
  readonly repository: RepositoryContext;
  readonly ask: AskMemory;
  readonly traces: TraceLog;
  readonly now: () => number;
  readonly newId: () => string;
  readonly working: (delta: 1 | -1) => void;
  /** A suggestion of which the first line was offered is whole now. */
  readonly grown: (itemId: string) => void;
}

export interface CompletionService {
  complete(params: InlineCompletionParams, signal: AbortSignal): Promise<InlineCompletionItem | undefined>;
  /** The cursor rests at a place: the model is made ready for it. */
  rested(uri: string, position: Position): Promise<void>;
  edited(uri: string, line: number, lineDelta: number): void;
  closed(uri: string): void;
}

const largestDocumentUnits = 50_000_000;
const longestLineUnits = 2_000;
/** After the editor withdraws a request because of a keystroke, its next one is this close; a fitting one goes on. */
const joinGraceMs = 80;
/** A document's first prompt waits so long for the repository's index; later ones use what was found for the one before. */
const firstLookMs = 10;
/** The model may still be loading when the first keystroke comes. */
const loadPatienceMs = 20_000;

/** A key that contradicts a suggestion must not find the model at work on what follows it: looking ahead waits for a rest. */
const lookAheadAfterMs = 250;
/** A slower model would keep the next request waiting for its token. */
const lookAheadTokensPerSecond = 5;
/** Looking ahead copies the document: only where that is cheap, in UTF-16 units. */
const lookAheadUnits = 262_144;

interface Flight {
  readonly state: InFlight;
  /** Of all that is written. */
  readonly outcome: Promise<Outcome>;
  /** The same, or earlier, once a block's first line can be offered. */
  readonly first: Promise<Outcome>;
}

function newFlight(document: OpenDocument, place: Place): InFlight {
  const { version } = document.text;
  return { place, documentVersion: version, controller: new AbortController(), generated: '', typed: '', waiting: 0 };
}

/** Everything between an editor's request and its answer, for one window. One generation at a time. */
export function createCompletionService(deps: CompletionDeps): CompletionService {
  const cache = createSuggestionCache();
  const lex = createLexer();
  const prompts = createPromptAssembler({
    ...deps,
    withSnippets: () => deps.settings().contextFromOtherFiles,
    repository: deps.repository.candidates,
    askModel: deps.ask.model,
  });
  const followed = new WeakSet<CachedSuggestion>();
  const preparer = createPreparer(prompts, deps.repository.refresh, deps.traces.countPrepared);
  let flight: Flight | undefined;
  let restTimer: NodeJS.Timeout | undefined;
  let firstTokenMs: number | undefined;
  let newest = 0;

  async function complete(
    params: InlineCompletionParams,
    signal: AbortSignal,
  ): Promise<InlineCompletionItem | undefined> {
    const started = deps.now();
    const trace = newTrace(deps.newId(), params.textDocument.uri, params.position);
    const item = await answer(params, signal, trace).catch((error: unknown) => {
      trace.detail = describe(error);
      return nothing(trace, 'error');
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
    if (document === undefined) return nothing(trace, 'unknownDocument');
    trace.languageId = document.text.languageId;
    const refusal = refuse(document, params.position);
    if (refusal !== undefined) return nothing(trace, refusal);
    const place = placeAt(document, params.position, params.context.selectedCompletionInfo);

    const cached = offer(trace, document, place, params.position, 'cache');
    if (cached !== undefined) return cached;
    const typed = flight && typedSince(flight.state, place);
    if (flight !== undefined && typed !== undefined) {
      flight.state.typed = typed;
      const { state, first, outcome } = flight;
      let joined: Outcome | undefined;
      // Who has typed or taken the first line waits for the others.
      for (const awaited of [first, outcome]) {
        joined = await waitFor(state, awaited, signal);
        if (signal.aborted) return nothing(trace, 'cancelled');
        if (joined?.kind !== 'suggestion') break;
        const item = offer(trace, document, place, params.position, 'inFlight');
        if (item !== undefined) {
          prepareAfter(joined, document, place);
          return item;
        }
      }
      prepareAfter(joined, document, place);
      if (joined?.kind === 'nothing' && typed === '') return nothing(trace, joined.reason);
    }

    // A flood of requests is answered by its last one: the others cost no prompt and no model.
    const turn = ++newest;
    await new Promise((resolve) => setImmediate(resolve));
    if (turn !== newest) return nothing(trace, 'superseded');
    const engine = await readyEngine(trace, signal);
    if (engine === undefined) return undefined;
    const waitMs = debounceMs({ gapsMs: document.gapsMs, firstTokenMs });
    const looking = deps.repository.refresh(document, place);
    if (waitMs > 0) {
      trace.stagesMs.queue = waitMs;
      await sleep(waitMs, signal);
    } else if (deps.repository.candidates(place.uri) === undefined) {
      await Promise.race([looking, sleep(firstLookMs, signal)]);
    }
    if (signal.aborted) return nothing(trace, 'cancelled');

    const launched = launch(engine, document, place, trace);
    const outcome = await waitFor(launched.state, launched.first, signal);
    if (signal.aborted || outcome === undefined) return nothing(trace, 'cancelled');
    if (outcome.kind === 'cancelled') return nothing(trace, 'superseded');
    prepareAfter(outcome, document, place);
    if (outcome.kind === 'nothing') return nothing(trace, outcome.reason);
    return offer(trace, document, place, params.position, 'model') ?? nothing(trace, 'empty');
  }

  /** Once the model has answered, whatever it said, the pause that may follow is for what is needed next. */
  function prepareAfter(outcome: Outcome | undefined, document: OpenDocument, place: Place): void {
    const state = deps.engine();
    if (outcome === undefined || outcome.kind === 'cancelled' || state.kind !== 'ready') return;
    preparer.ahead(state.engine, document, place);
  }

  function launch(engine: Engine, document: OpenDocument, place: Place, trace: Trace): Flight {
    flight?.state.controller.abort();
    preparer.stop();
    const budget = budgetFor(engine.speed(), engine.contextTokens);
    const prompt = prompts.assemble(engine, document, place, budget);
    const { working } = deps;
    const count = (result: GenerateResult) => {
      deps.traces.count(result);
      if (result.decodedTokens > 0) firstTokenMs = result.prefillMs + result.decodeMs / result.decodedTokens;
    };
    return fly({ engine, document, budget, prompt, flight: newFlight(document, place), trace }, { count, working });
  }

  /**
   * While a suggestion is looked at or typed through, the model writes what would follow it, so that after it is taken
   * the next one is there at once. Any other request stops this, which costs that request up to one token's time.
   */
  function lookAhead(document: OpenDocument, place: Place, { suggestion, text, replaceAfter }: CacheHit): void {
    const state = deps.engine();
    if (state.kind !== 'ready' || flight !== undefined || followed.has(suggestion)) return;
    const { engine } = state;
    const isQuick = (engine.speed()?.decode ?? 0) >= lookAheadTokensPerSecond;
    const inTheWay = place.lead !== '' || replaceAfter !== '';
    if (!isQuick || inTheWay || unitsOf(document) > lookAheadUnits) return;
    followed.add(suggestion);
    const taken = withInserted(document, place.documentOffset, text);
    const next = placeAt(taken, taken.text.positionAt(place.documentOffset + text.length));
    const budget = budgetFor(engine.speed(), engine.contextTokens);
    const prompt = prompts.foresee(engine, taken, next, budget);
    if (prompt === undefined) return;
    const trace = newTrace(deps.newId(), next.uri, next.replaceFrom);
    const generation = { engine, document: taken, budget, prompt, flight: newFlight(document, next), trace };
    fly(generation, { count: deps.traces.countAhead, working: () => undefined }).first.catch(() => undefined);
  }

  function fly(generation: Generation, how: Pick<GenerationDeps, 'count' | 'working'>): Flight {
    let begun = () => {};
    const early = new Promise<Outcome>((resolve) => {
      begun = () => resolve({ kind: 'suggestion' });
    });
    const outcome = generateSuggestion({ ...deps, ...how, begun, cache, lex }, generation).finally(() => {
      if (flight === launched) flight = undefined;
    });
    const launched: Flight = { state: generation.flight, outcome, first: Promise.race([early, outcome]) };
    // Nobody may be left to hear of it when what follows the first line fails.
    outcome.catch((error: unknown) => {
      generation.trace.detail = describe(error);
    });
    flight = launched;
    return launched;
  }

  /** Waits for a generation; when the last who waits withdraws it is stopped, after a grace in which a keystroke may join it. */
  async function waitFor(
    state: InFlight,
    outcome: Promise<Outcome>,
    signal: AbortSignal,
  ): Promise<Outcome | undefined> {
    let withdraw = () => {};
    const withdrawn = new Promise<undefined>((resolve) => {
      withdraw = () => resolve(undefined);
    });
    signal.addEventListener('abort', withdraw);
    if (signal.aborted) withdraw();
    state.waiting++;
    try {
      return await Promise.race([outcome, withdrawn]);
    } finally {
      signal.removeEventListener('abort', withdraw);
      state.waiting--;
      if (signal.aborted && state.waiting === 0) stopUnlessJoined(state);
    }
  }

  function stopUnlessJoined(state: InFlight): void {
    const typedOn = deps.document(state.place.uri)?.text.version !== state.documentVersion;
    if (!typedOn) state.controller.abort();
    else setTimeout(() => state.waiting === 0 && state.controller.abort(), joinGraceMs).unref();
  }

  async function readyEngine(trace: Trace, signal: AbortSignal): Promise<Engine | undefined> {
    let state = deps.engine();
    if (state.kind === 'loading') {
      await Promise.race([state.loaded, sleep(loadPatienceMs, signal)]);
      state = deps.engine();
    }
    if (state.kind === 'ready') return state.engine;
    return nothing(trace, state.kind === 'loading' ? 'modelLoading' : state.reason);
  }

  function refuse(document: OpenDocument, position: Position): NoSuggestionReason | undefined {
    if (unitsOf(document) > largestDocumentUnits) return 'documentTooLarge';
    const { text } = document;
    if (deps.excluded(text.uri)) return 'excluded';
    const line = lineAt(text, position.line);
    if (line.length > longestLineUnits) return 'lineTooLong';
    if (/^[\p{L}\p{M}\p{N}_$]/u.test(line.slice(position.character))) return 'midWord';
    return undefined;
  }

  function offer(
    trace: Trace,
    document: OpenDocument,
    place: Place,
    position: Position,
    source: Trace['source'],
  ): InlineCompletionItem | undefined {
    const hit = cache.find(place);
    if (hit === undefined) return undefined;
    trace.source = source;
    trace.completion = place.lead + hit.text;
    const { version } = document.text;
    const goOn = () => document.text.version === version && lookAhead(document, place, hit);
    clearTimeout(restTimer);
    restTimer = setTimeout(goOn, lookAheadAfterMs).unref();
    return {
      insertText: trace.completion,
      range: {
        start: place.replaceFrom,
        end: { line: position.line, character: position.character + hit.replaceAfter.length },
      },
      command: { title: '', command: acceptedCommand, arguments: [hit.suggestion.itemId] },
    };
  }

  return {
    complete,
    async rested(uri, position) {
      const document = deps.document(uri);
      const state = deps.engine();
      if (document === undefined || state.kind !== 'ready' || deps.excluded(uri)) return;
      const place = placeAt(document, position);
      if (flight !== undefined) {
        // What is waited for, or was begun for this place and may be a block that is written on.
        if (flight.state.waiting > 0 || typedSince(flight.state, place) !== undefined) return;
        flight.state.controller.abort();
      }
      await preparer.here(state.engine, document, place);
    },
    edited: prompts.edited,
    closed(uri) {
      cache.forget(uri);
      prompts.forget(uri);
      if (flight?.state.place.uri === uri) flight.state.controller.abort();
    },
  };
}

function unitsOf({ text }: OpenDocument): number {
  return text.offsetAt({ line: text.lineCount, character: 0 });
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function nothing(trace: Trace, reason: NoSuggestionReason): undefined {
  trace.reason = reason;
  return undefined;
}
