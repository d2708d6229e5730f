import { describe, expect, it } from 'vitest';
import { catalogue } from './catalogue.ts';
import { pickDefault } from './defaultModel.ts';

const gigabytes = (count: number) => ({ totalBytes: count * 1e9, availableBytes: count * 0.8e9 });

describe('pickDefault', () => {
  it('has no answer where nothing is installed', () => {
    expect(pickDefault([], gigabytes(16), {})).toBeUndefined();
  });

  it('takes the best that a usual laptop runs fast enough', () => {
    expect(pickDefault(catalogue, gigabytes(16), {})?.id).toBe('qwen2.5-coder-1.5b');
  });

  it('heeds memory', () => {
    expect(pickDefault(catalogue, gigabytes(1.2), {})?.id).toBe('qwen2.5-coder-0.5b');
  });

  it('takes the largest where it was measured to be fast', () => {
    const speeds = { 'qwen2.5-coder-7b': { prefill: 900, decode: 40 } };
    expect(pickDefault(catalogue, gigabytes(16), speeds)?.id).toBe('qwen2.5-coder-7b');
  });

  it('learns from a small model that the machine is slow for larger ones', () => {
    const speeds = { 'smollm2-135m': { prefill: 100, decode: 70 } };
    expect(pickDefault(catalogue, gigabytes(16), speeds)?.id).toBe('qwen2.5-coder-0.5b');
  });

  it('takes the fastest where none is fast, and the smallest where none fits', () => {
    const slow = { 'smollm2-135m': { prefill: 1, decode: 1 } };
    expect(pickDefault(catalogue, gigabytes(16), slow)?.id).toBe('smollm2-135m');
    expect(pickDefault(catalogue, gigabytes(0.1), {})?.id).toBe('smollm2-135m');
  });
});
