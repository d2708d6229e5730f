import { expect, test } from 'vitest';
import { completionMode } from './mode.ts';

test('the cost does not grow with the document', () => {
  const prefix = `${'const a = (1 + 2) * 3;\n'.repeat(450_000)}function f() {`;
  const suffix = '\nconst b = 2;'.repeat(450_000);
  const started = performance.now();
  for (let i = 0; i < 200; i++) expect(completionMode({ prefix, suffix, languageId: 'javascript' }).mode).toBe('block');
  // Reading 10 MB two hundred times takes many times as long.
  expect(performance.now() - started).toBeLessThan(2000);
});

test('the header of a block is told without comments around it', () => {
  const mode = completionMode({ prefix: 'a();\n  if (b) { // note', suffix: '\n', languageId: 'javascript' });
  expect(mode).toEqual({ mode: 'line' });
  const next = completionMode({ prefix: 'a();\n  if (b) { // note\n', suffix: '\n', languageId: 'javascript' });
  expect(next).toEqual({ mode: 'block', indent: '  ', style: 'braces', header: 'if (b) {', closed: false });
});

test('in an unknown language every completion is a line', () => {
  expect(completionMode({ prefix: 'do {', suffix: '', languageId: 'nothing' })).toEqual({ mode: 'line' });
});
