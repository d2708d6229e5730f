import { expect, test } from 'vitest';
import { createChunker } from '../indexing/grammars.ts';
import { chunkLines } from './chunker.ts';

const chunker = createChunker((message) => {
  throw new Error(message);
});

async function pieces(path: string, text: string): Promise<string[]> {
  const lines = text.split('\n');
  const ranges = await chunker.chunk(path, text);
  return ranges.map(({ start, end }) => lines.slice(start, end).join('\n'));
}

const body = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => `  const ${name}${i} = ${i};`).join('\n');

test('functions stand alone, small statements together', async () => {
  const text = `'use strict';\nconst a = require('a');\nconst b = 1;\n\nfunction one() {\n${body('x', 8)}\n}\n\n// Says two.\nfunction two() {\n${body('y', 8)}\n}\n`;
  const found = await pieces('a.js', text);
  expect(found).toHaveLength(3);
  expect(found[0]).toContain("require('a')");
  expect(found[1]).toMatch(/^function one/);
  expect(found[2]).toContain('function two');
});

test('a long class is cut at its methods', async () => {
  const method = (name: string) => `  ${name}() {\n${body(name, 10)}\n  }\n`;
  const found = await pieces('a.ts', `export class Store {\n${method('load')}${method('save')}${method('close')}}\n`);
  expect(found.map((piece) => /(load|save|close)\(\)/.exec(piece)?.[1])).toEqual(['load', 'save', 'close']);
});

test.each([
  ['a.py', 'import os\n\ndef one(a):\n    return a\n\nclass Two:\n    def three(self):\n        return 3\n'],
  ['a.go', 'package a\n\nfunc One() int {\n\treturn 1\n}\n'],
  ['a.vue', '<template>\n<a/>\n</template>\n'],
  ['broken.ts', 'class { function ((( \n\n } const = ;\n'],
  ['empty-lines.js', '\n\n\n'],
])('%s: every line with content is in one piece, in order', async (path, text) => {
  const lines = text.split('\n');
  let covered = 0;
  const inPieces = new Set<number>();
  for (const { start, end } of await chunker.chunk(path, text)) {
    expect(start).toBeGreaterThanOrEqual(covered);
    expect(end).toBeGreaterThan(start);
    for (let line = start; line < end; line++) inPieces.add(line);
    covered = end;
  }
  expect(lines.flatMap((line, i) => (line.trim() === '' || inPieces.has(i) ? [] : [line]))).toEqual([]);
});

test('one long statement is cut by lines', async () => {
  const text = `const table = [\n${Array.from({ length: 60 }, (_, i) => `  ${i},`).join('\n')}\n];\n`;
  for (const { start, end } of await chunker.chunk('a.js', text)) expect(end - start).toBeLessThanOrEqual(20);
});

test('without a grammar, windows begin after a blank line', () => {
  const lines = Array.from({ length: 50 }, (_, i) => (i === 15 ? '' : `line ${i}`));
  expect(chunkLines(lines)[0]).toEqual({ start: 0, end: 16 });
});
