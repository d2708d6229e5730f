import { describe, expect, it } from 'vitest';
import type { AdapterSummary } from '#protocol/learningRuns.ts';
import { adapterItem, comparison, trainingText } from './adapterItems.ts';

const version: AdapterSummary = {
  ...{ id: 'personal-1', kind: 'personal', origin: 'trained', createdAtMs: Date.UTC(2026, 2, 4, 5, 6) },
  ...{ baseName: 'SmolLM2 135M', fits: true, examples: 40, tokens: 9000, sizeBytes: 9.8e6, verdict: 'better' },
  ...{ gain: 0.081, gainLow: 0.042, forgetting: 0.003 },
};

describe('the list of adapters', () => {
  it('says what a version learnt from and what the gate found', () => {
    expect(adapterItem({ ...version, scale: 1 }, false)).toEqual({
      label: '$(check) Personal, 2026-03-04 05:06',
      description: 'in use at 1',
      detail: '40 examples, 9000 tokens · gain 8.1 % (at least 4.2 %) · generic code +0.3 % · 9.8 MB',
    });
  });

  it.each([
    [{ verdict: 'forgets' }, 'forgot too much'],
    [{ verdict: 'notBetter' }, 'was not better'],
    [{ verdict: 'tooFew' }, 'too few examples to judge'],
    [{ fits: false }, 'for SmolLM2 135M'],
  ] as const)('says why one is not in use: %o', (change, description) => {
    expect(adapterItem({ ...version, ...change }, false).description).toBe(description);
  });

  it('compares two, row by row', () => {
    const text = comparison(version, { ...version, id: 'personal-2', gain: 0.1, scale: 0.5 });
    expect(text).toContain('| gain on held-out examples | 8.1 % | 10.0 % |');
    expect(text).toContain('| in use at | not in use | 0.5 |');
  });

  it('tells how far training is', () => {
    const running = { kind: 'running', phase: 'training', paused: false, step: 3, steps: 20 } as const;
    expect(trainingText({ ...running, secondsLeft: 100 })).toBe('step 3 of 20, about 2 min left');
    expect(trainingText({ ...running, paused: true })).toBe('paused while you type');
    expect(trainingText({ kind: 'idle' })).toBe('');
  });
});
