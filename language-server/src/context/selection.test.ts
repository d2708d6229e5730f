import { describe, expect, it } from 'vitest';
import { type Candidate, withoutRepetition } from './candidates.ts';
import { sameChunks, selectChunks } from './selection.ts';

const chunk = (path: string, score: number, text: string, start = 0): Candidate => ({
  path,
  start,
  end: start + text.split('\n').length,
  text,
  score,
});
const shown = { path: 'me.js', before: 'const total = count(items);\nreturn total;\n', startLine: 10, cursorLine: 12 };
const one = chunk('a.js', 9, 'function alpha(one) {\n  return one;\n}');
const two = chunk('b.js', 8, 'function beta(two) {\n  return two;\n}');
const three = chunk('c.js', 5, 'function gamma(three) {\n  return three;\n}');
const input = {
  candidates: [one, two, three],
  shown,
  current: [],
  budgetTokens: 1000,
  countTokens: (text: string) => text.length,
};

describe('what adds nothing', () => {
  it('is what the prompt shows already, by place or by text', () => {
    const own = chunk('me.js', 9, 'let other = 1;\nlet more = 2;', 11);
    const far = chunk('me.js', 8, 'let other = 1;\nlet more = 2;', 40);
    const copy = chunk('b.js', 7, '  const total = count(items);\n  return total;');
    expect(withoutRepetition([own, far, copy], shown)).toEqual([far]);
  });

  it('is what a better chunk says already, and brackets alone', () => {
    const same = { ...one, path: 'copy.js', score: 3 };
    expect(withoutRepetition([same, one, chunk('d.js', 2, '}\n)')], shown)).toEqual([one]);
  });
});

describe('what enters the prompt', () => {
  it('is what scores best and fits, the best nearest the cursor', () => {
    expect(selectChunks(input).map(({ path }) => path)).toEqual(['c.js', 'b.js', 'a.js']);
    expect(selectChunks({ ...input, budgetTokens: 90 }).map(({ path }) => path)).toEqual(['b.js', 'a.js']);
  });

  it('is the beginning of a chunk that alone is too long', () => {
    const long = chunk('a.js', 9, Array.from({ length: 30 }, (_, i) => `line${i}();`).join('\n'));
    const [cut] = selectChunks({ ...input, candidates: [long], budgetTokens: 100 });
    expect(cut?.text.split('\n')[0]).toBe('line0();');
    expect(cut?.text.length).toBeLessThan(100);
  });

  it('stays as it is while it is good enough, so that the evaluated prompt is used again', () => {
    const current = selectChunks({ ...input, candidates: [two, three] });
    const later = [
      { ...one, score: 6 },
      { ...two, score: 5 },
      { ...three, score: 4.5 },
    ];
    const next = selectChunks({ ...input, candidates: later, current });
    expect(next.slice(0, 2).map(({ path }) => path)).toEqual(current.map(({ path }) => path));
    expect(next.map(({ path }) => path)).toEqual(['c.js', 'b.js', 'a.js']);
    const full = selectChunks({ ...input, candidates: later, current, budgetTokens: 95 });
    expect(sameChunks(full, current)).toBe(true);
  });

  it('gives way to what is much better', () => {
    const next = selectChunks({
      ...input,
      candidates: [
        { ...one, score: 20 },
        { ...two, score: 18 },
      ],
      current: [three],
      budgetTokens: 90,
    });
    expect(next.map(({ path }) => path)).toEqual(['b.js', 'a.js']);
  });
});
