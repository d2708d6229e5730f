import { describe, expect, it } from 'vitest';
import { createStage, isKeystroke, readTraces } from './lib/trace.ts';

const traces = await readTraces();

describe('the traces', () => {
  it.each(traces.map((trace) => [trace.name, trace] as const))("%s ends with its authors' files", (_, trace) => {
    const stage = createStage(trace.files);
    for (const event of trace.events) stage.apply(event);
    expect(stage.texts).toEqual(trace.files);
  });

  it('hold at least 600 keystrokes, 8 jumps and three languages, with corrections and jumps in each', () => {
    const events = traces.flatMap((trace) => trace.events);
    const languages = events.flatMap((event) => (event.type === 'open' ? [event.languageId] : []));
    expect(events.filter(isKeystroke).length).toBeGreaterThanOrEqual(600);
    expect(events.filter(({ type }) => type === 'jump').length).toBeGreaterThanOrEqual(8);
    expect([...new Set(languages)].sort()).toEqual(['javascript', 'python', 'typescript']);
    for (const trace of traces) {
      expect(
        trace.events.some(({ type }) => type === 'delete'),
        trace.name,
      ).toBe(true);
      expect(
        new Set(trace.events.flatMap((event) => (event.type === 'jump' ? [event.path] : []))).size,
      ).toBeGreaterThan(1);
    }
  });

  it('begin in files of some hundred lines', () => {
    for (const trace of traces) {
      const lines = [...trace.files.values()].map((text) => text.split('\n').length);
      expect(Math.max(...lines), trace.name).toBeGreaterThan(200);
    }
  });
});
