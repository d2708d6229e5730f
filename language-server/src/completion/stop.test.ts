import { describe, expect, test } from 'vitest';
import { isCharacterBoundary } from './lines.ts';
import { completionMode } from './mode.ts';
import { createStopRule, finishText } from './stop.ts';

const places = [
  { languageId: 'javascript', prefix: 'function f(a) {', suffix: '' },
  { languageId: 'javascript', prefix: 'function f(a) {\n  ', suffix: '\n}\n' },
  { languageId: 'javascript', prefix: 'g(() => {', suffix: '});\n' },
  { languageId: 'javascript', prefix: 'const s = "', suffix: '";\nnext();' },
  { languageId: 'javascript', prefix: 'call(a, other(', suffix: ');\n' },
  { languageId: 'javascript', prefix: 'const t = `x ${', suffix: '} y`' },
  { languageId: 'python', prefix: 'class A:\n    def f(self):', suffix: '\n\n    def g(self):\n' },
  { languageId: 'python', prefix: 'x = 1\n', suffix: '\nreturn x' },
  { languageId: 'ruby', prefix: 'items.each do |i|', suffix: '' },
  { languageId: 'rust', prefix: "fn f<'a>(x: &'a str) {", suffix: '\n' },
  { languageId: 'markdown', prefix: 'caf', suffix: ' e\u0301t' },
] as const;

const pieces = (
  'a|foo|x1| |  |    |\n|\n  |\n    |\r\n|\t|(|)|[|]|{|}|"|\'|`|${|\\|/|//|/*|*/|#|"""|;|,|:|=|=>|.|!|return|end|end)|else|' +
  'case|do|def f():|😀|👩‍💻|e\u0301|ü|🇨🇭|漢字|});|";|);'
).split('|');

/** A small generator with a fixed seed: a failure comes again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe.each(places)('$languageId after $prefix', (place) => {
  const mode = completionMode(place);

  function run(texts: readonly string[]): string {
    const options = { ...place, mode, maxLines: 6 };
    const rule = createStopRule(options);
    for (const text of texts) {
      const stop = rule(text);
      if (stop !== null) return stop.text;
    }
    return finishText(options, texts.at(-1) ?? '', 'endOfText');
  }

  test('offers a beginning of the model’s text, cut between characters, however it is split', () => {
    const next = random(place.prefix.length * 31 + place.suffix.length);
    for (let round = 0; round < 250; round++) {
      const text = Array.from({ length: 1 + next(24) }, () => pieces[next(pieces.length)] ?? '').join('');
      const offered = run([text]);
      expect(text.startsWith(offered), JSON.stringify({ text, offered })).toBe(true);
      expect(isCharacterBoundary(text, offered.length), JSON.stringify({ text, offered })).toBe(true);

      const units = Array.from({ length: text.length }, (_, index) => text.slice(0, index + 1));
      expect(run(units), JSON.stringify(text)).toBe(offered);
      const some = units.filter((_, index) => index === units.length - 1 || next(4) === 0);
      expect(run(some), JSON.stringify(text)).toBe(offered);
    }
  });
});

test('line mode never offers two lines of content', () => {
  const next = random(7);
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: 12 }, () => pieces[next(pieces.length)] ?? '').join('');
    const stop = createStopRule({ languageId: 'c', prefix: 'x', suffix: '', mode: { mode: 'line' }, maxLines: 9 })(
      `${text}\n`,
    );
    expect((stop?.text ?? '').trim()).not.toMatch(/[\r\n]/);
  }
});

test('a block has at most as many lines as it may', () => {
  const place = { languageId: 'python', prefix: 'def f():', suffix: '' };
  const rule = createStopRule({ ...place, mode: completionMode(place), maxLines: 4 });
  const text = Array.from({ length: 50 }, (_, line) => `\n    step(${line})`).join('');
  expect(rule(text)?.text).toBe('\n    step(0)\n    step(1)\n    step(2)\n    step(3)');
});

test('an unfinished character at the end decides nothing', () => {
  const options = { languageId: 'c', prefix: 'f(', suffix: ')', mode: { mode: 'line' }, maxLines: 9 } as const;
  expect(createStopRule(options)('a\uFFFD')).toBeNull();
  expect(finishText(options, 'a\uFFFD\uFFFD', 'maxTokens')).toBe('a');
  expect(finishText(options, 'a👩\u200d', 'maxTokens')).toBe('a👩');
});
