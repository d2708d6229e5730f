import { describe, expect, it, vi } from 'vitest';
import type { Candidate } from '../context/candidates.ts';
import { createRecentEdits } from '../context/recentEdits.ts';
import type { Engine } from '../engine/engine.ts';
import { createFakeEngine } from '../engine/fake.ts';
import { createPromptAssembler } from './assemblePrompt.ts';
import { openDocument } from './documents.ts';
import { placeAt } from './place.ts';
import { createPreparer } from './prepare.ts';

const folders = [{ uri: 'file:///w', name: 'w' }];
const text = 'const header = readHeader(\n';
const document = openDocument({ uri: 'file:///w/app.js', languageId: 'javascript', version: 1, text }, folders);
const place = placeAt(document, { line: 0, character: 26 });
const chunk = (name: string, score: number): Candidate => {
  return { path: `${name}.js`, start: 0, end: 1, score, text: `function ${name}() { return ${name}(1); }` };
};

/** While `held`, prompts with chunks are evaluated until they are stopped. */
function setUp(found: readonly Candidate[]) {
  const state = { found, held: false };
  const evaluated: string[] = [];
  const fake = createFakeEngine(() => '');
  const engine: Engine = {
    ...fake,
    speed: () => ({ prefill: 175, decode: 60 }),
    async prefill(tokens, signal) {
      const prompt = fake.detokenize(tokens);
      evaluated.push(prompt);
      if (state.held && prompt.includes('function'))
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      return { evaluatedTokens: tokens.length };
    },
  };
  const prompts = createPromptAssembler({
    document: () => document,
    tabs: () => [],
    edits: createRecentEdits(() => 0),
    withSnippets: () => true,
    excluded: () => false,
    repository: () => state.found,
    askModel: () => ({ weights: [], threshold: 0.5, pauseThreshold: 0.5 }),
    now: () => 0,
  });
  const preparer = createPreparer(
    prompts,
    async () => undefined,
    () => undefined,
  );
  return { state, evaluated, engine, preparer };
}

describe('a pause', () => {
  it('makes the plain prompt ready first, and then one with chunks', async () => {
    const { evaluated, engine, preparer } = setUp([chunk('readHeader', 9)]);
    await preparer.here(engine, document, place);
    expect(evaluated.map((prompt) => prompt.includes('function readHeader'))).toEqual([false, true]);
  });

  it('goes on after a key with the chunks that were being evaluated, while they are good enough', async () => {
    const { state, evaluated, engine, preparer } = setUp([chunk('readHeader', 9)]);
    state.held = true;
    const stopped = preparer.here(engine, document, place);
    await vi.waitUntil(() => evaluated.length === 2);
    preparer.stop();
    await stopped;
    Object.assign(state, { held: false, found: [chunk('readHeader', 9), chunk('other', 8)] });
    await preparer.here(engine, document, place);
    const [, begun = '', , gone = ''] = evaluated;
    expect(gone).toContain('function other');
    expect(gone.startsWith(begun.slice(0, begun.indexOf('// app.js')))).toBe(true);
  });
});
