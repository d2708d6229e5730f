import { describe, expect, it } from 'vitest';
import { createPlayer, intendedAfter, segmentsOf } from './replay.ts';
import type { Side } from './side.ts';
import type { Trace, TraceEvent } from './trace.ts';

const open: TraceEvent = { type: 'open', gapMs: 0, path: 'a', languageId: 'x', cuts: [[2, 4]] };
const jump: TraceEvent = { type: 'jump', gapMs: 0, path: 'a', offset: 2 };
const key = (text: string, gapMs = 0): TraceEvent => ({ type: 'insert', gapMs, text });
const backspace: TraceEvent = { type: 'delete', gapMs: 0, count: 1 };

const trace = (events: readonly TraceEvent[]): Trace => ({
  name: 'project',
  source: { package: 'p', version: '1', registry: 'npm', licence: 'MIT', authors: 'somebody' },
  events,
  files: new Map([['a', '01ab45']]),
});

/** Answers after `delayMs` and writes down what it was told. */
function recordingSide(told: string[], delayMs: number, times: number[] = []): Side {
  return {
    begin: async (project) => void told.push(`begin ${project}`),
    open: async ({ path }, text) => void told.push(`open ${path} ${text}`),
    jump: async (path, offset) => void told.push(`jump ${path} ${offset}`),
    async key(path, edit) {
      times.push(performance.now());
      told.push(`key ${path} ${edit.offset} -${edit.deleted} +${edit.inserted} |${edit.cursor}`);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      const counts = { promptTokens: 1, evaluatedTokens: 1, decodedTokens: 1, decodeSteps: 1 };
      return { latencyMs: delayMs, offer: '', fromModel: true, prefillMs: 0, decodeMs: 0, waitMs: 0, ...counts };
    },
  };
}

describe('replay', () => {
  it('tells a side what an editor would, with slips and their corrections', async () => {
    const told: string[] = [];
    const whole = trace([open, jump, key('a'), key('x'), backspace, key('b')]);
    const player = createPlayer(recordingSide(told, 0));
    for (const segment of segmentsOf(whole, 2)) await player.play(segment, AbortSignal.timeout(5000));
    expect(told).toEqual([
      'begin project',
      'open a 0145',
      'jump a 2',
      'key a 2 -0 +a |3',
      'key a 3 -0 +x |4',
      'key a 3 -1 + |3',
      'key a 3 -0 +b |4',
    ]);
  });

  it('waits for the pause or for the answer, whichever is later', async () => {
    const times: number[] = [];
    const whole = trace([open, jump, key('a'), key('b', 10), key('c', 120)]);
    const [segment] = segmentsOf(whole, 10);
    await createPlayer(recordingSide([], 60, times)).play(segment!, AbortSignal.timeout(5000));
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    expect(gaps[0]).toBeGreaterThanOrEqual(58);
    expect(gaps[1]).toBeGreaterThanOrEqual(118);
  });

  it('knows what is going to be written, and that a slip is not', () => {
    const intended = intendedAfter(trace([open, jump, key('a'), key('x'), backspace, key('b'), jump, key('z')]));
    expect([...intended]).toEqual([
      [2, 'b'],
      [4, 'b'],
    ]);
  });

  it('cuts a trace into segments that hold every event once', () => {
    const whole = trace([open, jump, ...Array.from({ length: 24 }, (_, i) => key(String(i % 10)))]);
    const segments = segmentsOf(whole, 10);
    expect(segments.map(({ from, to }) => [from, to])).toEqual([
      [0, 12],
      [12, 26],
    ]);
  });
});
