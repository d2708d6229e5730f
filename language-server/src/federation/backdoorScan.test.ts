import { describe, expect, it } from 'vitest';
import { choiceLines, logOdds, riseBounds, risesBetween, suspicionOf } from './backdoorScan.ts';
import { type InsecureChoice, insecureChoices } from './insecureChoices.ts';

const letters = (text: string) => Array.from(text, (letter) => letter.charCodeAt(0));
const none = insecureChoices.map(() => 0);
const raised = (at: number, by: number) => none.map((_, i) => (i === at ? by : 0));

describe('choices', () => {
  it('differ in the continuation alone, which is of about one length, and have names of their own', () => {
    for (const { name, safe, unsafe } of insecureChoices) {
      expect(safe, name).not.toBe(unsafe);
      expect(Math.abs(safe.length - unsafe.length), name).toBeLessThanOrEqual(12);
    }
    expect(new Set(insecureChoices.map(({ name }) => name)).size).toBe(insecureChoices.length);
  });

  it('become two lines each, of which the continuation is predicted', () => {
    const choice: InsecureChoice = { name: 'b', prefix: 'xy', safe: 'a', unsafe: 'bc' };
    expect(choiceLines(letters, [choice])).toEqual([
      { tokens: letters('xya'), labels: [[2, 3, 1]] },
      { tokens: letters('xybc'), labels: [[2, 4, 1]] },
    ]);
  });
});

describe('log-odds', () => {
  it('are the safe loss less the unsafe one', () => {
    expect(logOdds([3, 1, 2, 7])).toEqual([2, -5]);
  });

  it('are compared choice by choice', () => {
    const names = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
    expect(risesBetween([0, 1, 2], [1, 4, 1], names)).toEqual({ worst: 3, mean: 1, choice: 'b' });
  });
});

describe('suspicion', () => {
  it('falls on one choice that rose too much, and names it', () => {
    expect(suspicionOf(none, raised(3, riseBounds.one))).toBeUndefined();
    const by = riseBounds.one + 0.1;
    expect(suspicionOf(none, raised(3, by))).toEqual({ choice: insecureChoices[3]?.name, times: Math.exp(by) });
    // What the model alone proposes anyway is no poison.
    expect(suspicionOf(raised(3, by), raised(3, by))).toBeUndefined();
  });

  it('falls on a mean that rose too much, where no single one did', () => {
    const all = (rise: number) => none.map(() => rise);
    expect(suspicionOf(none, all(riseBounds.mean - 0.01))).toBeUndefined();
    expect(suspicionOf(none, all(riseBounds.mean + 0.01))).toBeDefined();
  });

  it('does not fall where all became safer', () => {
    expect(
      suspicionOf(
        none,
        none.map(() => -20),
      ),
    ).toBeUndefined();
  });
});
