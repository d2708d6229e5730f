import { describe, expect, it } from 'vitest';
import type { Trace } from '#protocol/trace.ts';
import { type Knowledge, localReason, traceReason } from './explain.ts';
import { traceDocument } from './traceDocument.ts';

const trace: Trace = {
  id: 't1',
  uri: 'file:///a.md',
  languageId: 'markdown',
  line: 4,
  character: 2,
  source: 'model',
  prompt: '# A\n```js\nlet a\n```\n',
  promptTokens: 40,
  reusedTokens: 30,
  evaluatedTokens: 10,
  decodedTokens: 5,
  stagesMs: { prompt: 0.12, total: 51.25 },
  stop: 'line',
  raw: 'raw text',
  completion: 'offered text\nmore',
  filters: [{ name: 'suffixEcho', effect: 'changed' }],
};
const known: Knowledge = { off: undefined, snooze: undefined, connected: true, problem: undefined };

describe('Show Last Completion', () => {
  it('shows tokens, times, filters and the prompt exactly, inside a fence that holds', () => {
    const document = traceDocument(trace);
    expect(document).toContain('Reused from the request before: 30');
    expect(document).toContain('- total: 51.3 ms');
    expect(document).not.toContain('decode:');
    expect(document).toContain('suffixEcho: changed the completion');
    expect(document).toContain('````text\n# A\n```js\nlet a\n```\n\n````');
  });

  it('says what of other files was used, and why', () => {
    const chunks = [{ path: 'lib/a.js', start: 4, end: 9, score: 7 }];
    const document = traceDocument({
      ...trace,
      context: { decision: 'used', probability: 0.8, threshold: 0.5, chunks },
    });
    expect(document).toContain('likely to help here');
    expect(document).toContain('80 % (used from 50 % on)');
    expect(document).toContain('lib/a.js, lines 5 to 9');
  });

  it('says why nothing was offered', () => {
    const { completion: _, ...rest } = trace;
    expect(traceDocument({ ...rest, reason: 'repetition' })).toContain('Nothing was offered. The completion repeated');
    expect(traceDocument(null)).toContain('no request');
  });
});

describe('Why No Suggestion?', () => {
  it('names the first cause that the developer can act on', () => {
    expect(localReason({ ...known, snooze: 'Snoozed until 10:00.', off: 'disabled' })).toBe('Snoozed until 10:00.');
    expect(localReason({ ...known, off: 'languageOff', connected: false })).toContain('this language');
    expect(localReason({ ...known, connected: false })).toContain('not running');
    expect(localReason({ ...known, problem: 'No model.' })).toBe('No model.');
    expect(localReason(known)).toBeUndefined();
  });

  it('otherwise tells what became of the last request', () => {
    expect(traceReason(null)).toContain('not asked');
    expect(traceReason(trace)).toContain('did get a suggestion: “offered text”');
    expect(traceReason({ ...trace, reason: 'midWord' })).toBe(
      'The last request (line 5, column 3): The cursor is inside a word.',
    );
    expect(traceReason({ ...trace, reason: 'error', detail: 'boom' })).toMatch(/details\. boom$/);
  });
});
