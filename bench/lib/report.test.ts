import { describe, expect, it } from 'vitest';
import { latencyResult } from './latencyReport.ts';
import { agreement, percentile } from './measure.ts';
import type { Played } from './replay.ts';
import { decodeSpeed, overheads, summary } from './report.ts';
import type { KeyRecord } from './side.ts';

const trace = {
  name: 't',
  source: { package: 'p', version: '1', registry: 'npm', licence: 'MIT', authors: 'a' },
} as const;
const asked: KeyRecord = {
  latencyMs: 100,
  offer: 'return x',
  fromModel: true,
  promptTokens: 50,
  evaluatedTokens: 5,
  decodedTokens: 6,
  prefillMs: 20,
  decodeMs: 60,
  decodeSteps: 6,
  waitMs: 15,
};
const cached: KeyRecord = {
  ...asked,
  latencyMs: 2,
  fromModel: false,
  promptTokens: 0,
  evaluatedTokens: 0,
  decodedTokens: 0,
  prefillMs: 0,
  decodeMs: 0,
  decodeSteps: 0,
  waitMs: 0,
};
const played = (record: KeyRecord, intended: string | undefined): Played => ({
  trace: { ...trace, events: [], files: new Map() },
  intended,
  record,
});

describe('the figures of a run', () => {
  it('has percentiles between neighbours, and of nothing none', () => {
    expect(percentile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(percentile([1, 2, 3], 0.95)).toBeCloseTo(2.9);
    expect(percentile([], 0.5)).toBeNaN();
  });

  it('judges an offer by what was typed next, where something was', () => {
    expect(agreement('return x', 'return y')).toBe(7);
    const figures = summary([played(asked, 'return y'), played(cached, 'throw'), played(cached, undefined)]);
    expect(figures.firstCharacterRightShare).toBe(0.5);
    expect(figures.agreeingCharactersPerRequest).toBe(3.5);
    expect(figures.askedModelShare).toBeCloseTo(1 / 3, 3);
    expect(figures.decodedTokensPerModelCall).toBe(6);
  });

  it('takes neither the model nor the deliberate wait for overhead', () => {
    expect(overheads([played(asked, undefined), played(cached, undefined)])).toEqual([5, 2]);
    expect(decodeSpeed([played(asked, undefined), played(cached, undefined)])).toBe(100);
  });

  it('measures both sides by the same prompt tokens, and reports the worst cancel', () => {
    const peer: KeyRecord = { ...asked, latencyMs: 200, promptTokens: 100, evaluatedTokens: 10 };
    const statistics = {
      rssBytes: 0,
      cpuMs: 0,
      clients: 1,
      modelsInMemory: 1,
      decodedTokens: 0,
      promptTokens: 0,
      aheadCalls: 0,
      aheadDecodedTokens: 0,
      signals: {},
    };
    const result = latencyResult({
      ours: [played(asked, 'r'), played(cached, 'r')],
      peer: [played(peer, 'r'), played(peer, 'r')],
      before: { ...statistics, requests: 3, modelCalls: 3, evaluatedTokens: 40 },
      after: { ...statistics, requests: 5, modelCalls: 4, evaluatedTokens: 46 },
      rssMiB: 1,
      peerRssMiB: 2,
      cancels: [
        { phase: 'prefill', prefillTokens: 64, decodeTokens: 0, settledMs: 10 },
        { phase: 'decode', prefillTokens: 0, decodeTokens: 1, settledMs: 20 },
      ],
      through: { suggestions: 8, keystrokes: 90, modelCalls: 0, changed: 0 },
    });
    expect(result.p50Ratio).toBe(0.255);
    expect(result.promptTokensEvaluatedShare).toBe(0.03);
    expect(result.peerPromptTokensEvaluatedShare).toBe(0.1);
    expect([result.cancelPrefillTokens, result.cancelDecodeTokens]).toEqual([64, 1]);
    expect(result.details.modelCalls).toBe(1);
  });
});
