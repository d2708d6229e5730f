import { describe, expect, it } from 'vitest';
import type { Status } from '#protocol/status.ts';
import { type Facts, present } from './presentation.ts';

const ready: Status = {
  state: 'ready',
  pid: 7,
  version: '0.1.0',
  model: { id: 'm', name: 'SmolLM2 135M', sizeBytes: 98_362_432, licence: 'Apache-2.0' },
  backend: { device: 'cpu', reason: 'No GPU was found.', threads: 1 },
  speed: { prefill: 812.4, decode: 9.26 },
};
const facts: Facts = {
  link: { kind: 'connected' },
  status: ready,
  snoozedUntil: undefined,
  off: undefined,
  rivals: [],
};

describe('the status item', () => {
  it('says which model runs where and how fast', () => {
    const { mood, text, tooltip } = present(facts);
    expect(mood).toBe('ready');
    expect(text).toBe('$(quote) Argot');
    expect(tooltip).toContain('SmolLM2 135M (98 MB, Apache-2.0)');
    expect(tooltip).toContain('CPU, 1 thread. No GPU was found.');
    expect(tooltip).toContain('writes 9.3 and reads 812 tokens/s');
  });

  it.each<[string, Partial<Facts>, string]>([
    ['before the server is there', { link: { kind: 'connecting' }, status: undefined }, 'starting'],
    ['while the model loads', { status: { ...ready, state: 'loading' } }, 'starting'],
    [
      'after a first silent loss',
      { link: { kind: 'lost', code: 'closed', message: 'x', tell: false }, status: undefined },
      'starting',
    ],
    ['while the model works', { status: { ...ready, state: 'busy' } }, 'busy'],
    ['while it is snoozed', { snoozedUntil: 'restart' }, 'paused'],
    ['in a file where it is off', { off: 'languageOff' }, 'paused'],
    ['when there is no model', { status: { ...ready, state: 'problem' } }, 'problem'],
    [
      'when there is no model, even while it is off',
      { status: { ...ready, state: 'problem' }, off: 'disabled' },
      'problem',
    ],
    [
      'when the server can’t be reached',
      { link: { kind: 'lost', code: 'foreign', message: 'x', tell: true }, status: undefined },
      'problem',
    ],
  ])('%s', (_, change, mood) => {
    expect(present({ ...facts, ...change }).mood).toBe(mood);
  });

  it('speaks the sentence that it shows first', () => {
    const problem = { code: 'noModel', message: 'No model is installed. Choose one.' } as const;
    const { spoken, tooltip } = present({ ...facts, status: { ...ready, state: 'problem', problem } });
    expect(spoken).toBe('Argot: No model is installed. Choose one.');
    expect(tooltip.startsWith('No model is installed.')).toBe(true);
    expect(present({ ...facts, off: 'inlineSuggestOff' }).spoken).toContain('editor.inlineSuggest.enabled');
  });

  it('notes a problem beside a working model, and other completion extensions', () => {
    const problem = { code: 'modelTruncated', message: 'big.gguf is cut off.' } as const;
    const { mood, tooltip } = present({ ...facts, status: { ...ready, problem }, rivals: ['Tabby', 'Cody'] });
    expect(mood).toBe('ready');
    expect(tooltip).toContain('Note: big.gguf is cut off.');
    expect(tooltip).toContain('Also active: Tabby, Cody.');
  });
});
