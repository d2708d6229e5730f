import { describe, expect, it } from 'vitest';
import { featureNames } from '../context/askFeatures.ts';
import type { Candidate } from '../context/candidates.ts';
import { createRecentEdits } from '../context/recentEdits.ts';
import { type Context, type ContextDeps, chooseContext, worthRenewing } from './chooseContext.ts';
import { openDocument } from './documents.ts';

const document = openDocument(
  { uri: 'file:///w/app.js', languageId: 'javascript', version: 1, text: 'const header = readHeader(\n' },
  [{ uri: 'file:///w', name: 'w' }],
);
const edited = openDocument(
  { uri: 'file:///w/edited.js', languageId: 'javascript', version: 1, text: 'let edited = 1;\n' },
  [{ uri: 'file:///w', name: 'w' }],
);
const shown = { path: 'app.js', before: 'const header = readHeader(', startLine: 0, cursorLine: 0 };
const chunk: Candidate = { path: 'lib/a.js', start: 0, end: 2, score: 9, text: 'function readHeader(stream) {\n}' };
const edits = createRecentEdits(() => 0);
edits.changed(edited.text.uri, 0, 0);

/** Says 0.73 whatever it sees. */
const weights = [...featureNames.map(() => 0), 1];
const deps = (more: Partial<ContextDeps> = {}): ContextDeps => ({
  document: (uri) => (uri === edited.text.uri ? edited : undefined),
  tabs: () => [],
  edits,
  withSnippets: () => true,
  excluded: () => false,
  repository: () => [chunk],
  askModel: () => ({ weights, threshold: 0.9, pauseThreshold: 0.6 }),
  ...more,
});
const choose = (
  occasion: 'request' | 'pause',
  more: Partial<ContextDeps> = {},
  current?: Context,
  chunksAtOnce = true,
): Context =>
  chooseContext(deps(more), {
    document,
    shown,
    current,
    budget: { before: 384, after: 128, snippets: 128, chunks: 256, chunksAtOnce, lineTokens: 32, blockTokens: 64 },
    countTokens: (text) => text.length,
    occasion,
  });

describe('context of other files', () => {
  it('asks in a pause for what it would not let anybody wait for', () => {
    expect(choose('request').trace).toMatchObject({ decision: 'notWorthIt', threshold: 0.9, chunks: [] });
    expect(choose('pause').trace).toMatchObject({
      decision: 'used',
      threshold: 0.6,
      chunks: [{ path: 'lib/a.js', start: 0, end: 2, score: 9 }],
    });
  });

  it('lets no chunk into a prompt that would be waited for long, and keeps those that are there', () => {
    const sure = { askModel: () => ({ weights, threshold: 0.5, pauseThreshold: 0.5 }) };
    const having = choose('pause', sure);
    expect(choose('request', sure, undefined, true).chunks).toHaveLength(1);
    expect(choose('request', sure, undefined, false)).toMatchObject({ chunks: [], trace: { decision: 'notWorthIt' } });
    expect(choose('request', sure, having, false)).toMatchObject({
      chunks: having.chunks,
      trace: { decision: 'used' },
    });
  });

  it('puts recent edits before the chunks, and has them where there are no chunks', () => {
    expect(choose('pause').snippets.map(({ path }) => path)).toEqual(['edited.js', 'lib/a.js']);
    expect(choose('request').snippets.map(({ path }) => path)).toEqual(['edited.js']);
  });

  it('says why there is nothing', () => {
    expect(choose('pause', { withSnippets: () => false })).toMatchObject({ snippets: [], trace: { decision: 'off' } });
    expect(choose('pause', { repository: () => undefined }).trace.decision).toBe('noIndex');
    expect(choose('pause', { repository: () => [] }).trace.decision).toBe('nothingFound');
  });

  it('knows the names that only the chunks have, used or not', () => {
    expect([...choose('request').novelNames]).toEqual(['function', 'stream']);
  });

  it('is made anew only where enough of it would be other chunks', () => {
    const [without, having] = [choose('request'), choose('pause')];
    expect(worthRenewing(without, having)).toBe(true);
    expect(worthRenewing(having, choose('pause', {}, having))).toBe(false);
    expect(worthRenewing(having, without)).toBe(false);
    const withAnother = (score: number): Context =>
      choose(
        'pause',
        { repository: () => [chunk, { ...chunk, path: 'lib/b.js', text: 'const other = 1;', score }] },
        having,
      );
    expect([withAnother(5), withAnother(20)].map(({ chunks }) => chunks.length)).toEqual([2, 2]);
    expect(worthRenewing(having, withAnother(5))).toBe(false);
    expect(worthRenewing(having, withAnother(20))).toBe(true);
  });
});
