import type { Position } from 'vscode-languageserver-protocol';
import type { Signal } from '#protocol/signals.ts';
import type { Trace } from '#protocol/trace.ts';
import type { GenerateResult } from '../engine/engine.ts';

/** The last traces, and sums over all; in memory only. */
export interface TraceLog {
  add(trace: Trace): void;
  count(result: GenerateResult): void;
  /** What was written for the time after a suggestion is taken, before anybody asked. */
  countAhead(result: GenerateResult): void;
  /** Tokens that were evaluated in a pause, for a request that may come. */
  countPrepared(tokens: number): void;
  countSignal(signal: Signal): void;
  last(uri: string | undefined): Trace | undefined;
  readonly totals: Readonly<Totals>;
}

export interface Totals {
  requests: number;
  modelCalls: number;
  promptTokens: number;
  evaluatedTokens: number;
  decodedTokens: number;
  aheadCalls: number;
  aheadDecodedTokens: number;
  lastCancel?: GenerateResult['afterCancel'];
  readonly signals: Record<string, number>;
}

const kept = 50;

export function createTraceLog(totals: Totals): TraceLog {
  const traces: Trace[] = [];
  return {
    totals,
    add(trace) {
      totals.requests++;
      traces.push(trace);
      if (traces.length > kept) traces.shift();
    },
    count(result) {
      if (result.evaluatedTokens > 0) totals.modelCalls++;
      totals.promptTokens += result.promptTokens;
      totals.evaluatedTokens += result.evaluatedTokens;
      totals.decodedTokens += result.decodedTokens;
      if (result.ended === 'cancelled') totals.lastCancel = result.afterCancel;
    },
    countAhead(result) {
      if (result.evaluatedTokens > 0) totals.aheadCalls++;
      totals.evaluatedTokens += result.evaluatedTokens;
      totals.aheadDecodedTokens += result.decodedTokens;
    },
    countPrepared(tokens) {
      totals.evaluatedTokens += tokens;
    },
    countSignal(signal) {
      totals.signals[signal.kind] = (totals.signals[signal.kind] ?? 0) + 1;
    },
    last: (uri) => traces.findLast((trace) => uri === undefined || trace.uri === uri),
  };
}

/** Shared by all windows: what the process did. */
export function newTotals(): Totals {
  return {
    requests: 0,
    modelCalls: 0,
    promptTokens: 0,
    evaluatedTokens: 0,
    decodedTokens: 0,
    aheadCalls: 0,
    aheadDecodedTokens: 0,
    signals: {},
  };
}

export function newTrace(id: string, uri: string, position: Position): Trace {
  return {
    id,
    uri,
    languageId: '',
    line: position.line,
    character: position.character,
    source: 'none',
    promptTokens: 0,
    reusedTokens: 0,
    evaluatedTokens: 0,
    decodedTokens: 0,
    stagesMs: {},
    filters: [],
  };
}
