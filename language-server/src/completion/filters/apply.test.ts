import { describe, expect, test } from 'vitest';
import { noSuggestionReasons } from '#protocol/trace.ts';
import { completionMode } from '../mode.ts';
import { applyFilters } from './apply.ts';

const places = [
  { languageId: 'javascript', prefix: 'class A {\n  f(a) {', suffix: '\n  }\n}\n' },
  { languageId: 'javascript', prefix: 'const a = 1;\ncall(', suffix: ');\nnext();\n' },
  { languageId: 'python', prefix: 'def f(x):\n    y = x\n    ', suffix: '\n    return y\n' },
  { languageId: 'ruby', prefix: 'def f\n  a = 1', suffix: '\nend\n' },
  { languageId: 'markdown', prefix: '# Title\n\n', suffix: '' },
  { languageId: 'unheard-of', prefix: 'x', suffix: 'y' },
];
const words =
  'a|foo|bar()| |  |\n|\n  |\n    |(|)|[|]|{|}|"|\'|`|;|,|=|return y|next();|end|😀|e\u0301|\uFFFD|<|endoftext|>|// Copyright 2020 X|const a = 1;|y = x|pass'.split(
    '|',
  );

describe.each(places)('$languageId after $prefix', (place) => {
  const context = { ...place, mode: completionMode(place) };

  test('what is offered is a piece of what the model wrote, unchanged inside, and passes again', () => {
    let state = place.prefix.length + 5;
    const next = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 400; round++) {
      const text = Array.from({ length: 1 + next(16) }, () => words[next(words.length)] ?? '').join('');
      const result = applyFilters(text, context);
      if (result.text === null) {
        expect(noSuggestionReasons).toContain(result.reason);
        expect(result.applied.at(-1)?.effect).toBe('withheld');
        continue;
      }
      expect(text.includes(result.text), JSON.stringify({ text, offered: result.text })).toBe(true);
      expect(result.text.trim()).not.toBe('');
      expect(result.applied.length > 0).toBe(result.text !== text);
      expect(applyFilters(result.text, context).text, JSON.stringify(text)).toBe(result.text);
    }
  });
});

test('each filter that acts is named once, in order', () => {
  const context = { languageId: 'javascript', prefix: 'run(', suffix: '', mode: { mode: 'line' } } as const;
  const result = applyFilters('a)) <|endoftext|>b', context);
  expect(result).toEqual({
    text: 'a)',
    applied: [
      { name: 'brokenText', effect: 'changed' },
      { name: 'unbalanced', effect: 'changed' },
    ],
  });
});
