import { describe, expect, it } from 'vitest';
import { counts, summary } from './report.mjs';

/** @param {string} status @param {string[]} tests */
const file = (status, ...tests) => ({ status, assertionResults: tests.map((each) => ({ status: each })) });

describe('the last line of npm test', () => {
  it('counts over all files', () => {
    const result = counts({ testResults: [file('passed', 'passed', 'passed'), file('failed', 'passed', 'failed')] });
    expect(summary(result)).toBe('3 passed, 1 failed');
  });

  it('names what was skipped or left to do', () => {
    expect(summary(counts({ testResults: [file('passed', 'skipped', 'todo', 'pending', 'passed')] }))).toBe(
      '1 passed, 0 failed, 3 skipped',
    );
  });

  it('counts a file that could not be loaded as a failure', () => {
    expect(summary(counts({ testResults: [file('failed'), file('passed', 'passed')] }))).toBe('1 passed, 1 failed');
  });

  it('counts a failed hook whose tests were skipped as a failure', () => {
    expect(counts({ testResults: [file('failed', 'skipped', 'skipped')] })).toEqual({
      passed: 0,
      failed: 1,
      skipped: 2,
    });
  });
});
