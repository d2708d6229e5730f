import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { languageOf } from './languages.ts';
import { createLexer, isCode, lexBefore, unclosedAfter } from './lex.ts';

function open(languageId: string, text: string): string {
  const { stack } = lexBefore(text, languageOf(languageId)).state;
  return stack.map((frame) => (frame.kind === 'bracket' ? frame.open : frame.kind[0])).join('');
}

test.each([
  ['javascript', 'f({ a: [1', '({['],
  ['javascript', 'f("(") + g(', '('],
  ['javascript', '`a ${f(`b ${', 's${(s${'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code under test
  ['javascript', '`a ${b} (', 's'],
  ['javascript', 'x = a / b / (', '('],
  ['javascript', 'x = /[/(]/.test(', '('],
  ['javascript', "// don't (\nf(", '('],
  ['javascript', '/* ( */ {', '{'],
  ['javascript', '/* (', 'c'],
  ['typescriptreact', "<p>Don't</p>\n{", '{'],
  ['python', "x = '''\n(\n''' + f(", '('],
  ['python', 's = "a\\"(" + f(', '('],
  ['python', 'x = 1#(\nf(', '('],
  ['shellscript', 'if [ $# -gt 1 ]; then f() {', '{'],
  ['rust', "fn f<'a>(c: &'a str) { if c == '{' {", '{{'],
  ['lua', '--[[ ( ]] f(', '('],
  ['go', 'x := `a\\` + f(', '('],
  ['markdown', "it's (", ''],
])('%s: what is open after %j', (language, text, expected) => {
  expect(open(language, text)).toBe(expected);
});

test('an unclosed string is open at the cursor and an apostrophe on a finished line is not', () => {
  expect(isCode(lexBefore("f('a", languageOf('javascript')).state)).toBe(false);
  expect(isCode(lexBefore("it's\nf(", languageOf('javascript')).state)).toBe(true);
});

test.each([
  ['nothing is closed', 'f(g(', '', 2],
  ['all is closed', 'f(g(', '))', 0],
  ['the inner bracket is missing', '{ f(', '\n}', 1],
  ['one of two braces is missing', '{ {', '\n}', 1],
  ['a string and its call are missing', '{ f("', '\n}', 2],
  ['later brackets are their own', 'f(', ') + g(1)', 0],
])('how much the document lacks: %s', (_, prefix, suffix, expected) => {
  const language = languageOf('javascript');
  expect(unclosedAfter(lexBefore(prefix, language), suffix, language)).toBe(expected);
});

test('only the end of a long prefix is read, from a line at the margin', () => {
  const far = '((((\n'.repeat(10_000);
  const near = `const a = 1;\n${'  f();\n'.repeat(1500)}g(`;
  const lexed = lexBefore(far + near, languageOf('javascript'));
  expect(lexed.truncated).toBe(true);
  expect(lexed.window.length).toBeLessThan(13_000);
});

test.each(['javascript', 'python', 'rust', 'typescriptreact'])(
  'a text that grows is read as if it were new: %s',
  (languageId) => {
    const language = languageOf(languageId);
    const text = readFileSync(fileURLToPath(new URL('./lex.ts', import.meta.url)), 'utf8').repeat(2);
    const grow = createLexer();
    let at = 0;
    for (const by of fc.sample(fc.integer({ min: 1, max: 160 }), { numRuns: 250, seed: 7 })) {
      at += by;
      expect(grow(text.slice(0, at), language)).toEqual(createLexer()(text.slice(0, at), language));
    }
    expect(at).toBeGreaterThan(17_000);
  },
);
