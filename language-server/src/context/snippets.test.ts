import { expect, test } from 'vitest';
import { chooseSnippets, type Source } from './snippets.ts';

function source(uri: string, languageId: string, text: string): Source {
  const lines = text.split('\n');
  return { uri, path: uri, languageId, lineCount: lines.length, lines: (from, to) => lines.slice(from, to).join('\n') };
}
const sources = [
  source('edited.js', 'javascript', 'let edited = 1;'),
  source('tab.js', 'javascript', 'let tab = 2;'),
  source('tab.py', 'python', 'tab = 3'),
];
const input = {
  edits: [{ uri: 'edited.js', line: 0, at: 0 }],
  tabs: ['edited.js', 'tab.py', 'tab.js', 'gone.js'],
  document: { uri: 'me.js', languageId: 'javascript' },
  find: (uri: string) => sources.find((candidate) => candidate.uri === uri),
  budgetTokens: 1000,
  countTokens: (text: string) => text.length,
};

test('recent edits stand nearest the cursor, then open tabs of the same language', () => {
  expect(chooseSnippets(input).map(({ path }) => path)).toEqual(['tab.js', 'edited.js']);
});

test('the budget bounds them', () => {
  expect(chooseSnippets({ ...input, budgetTokens: 30 }).map(({ path }) => path)).toEqual(['edited.js']);
});

test('the document itself is not its own context', () => {
  expect(
    chooseSnippets({ ...input, document: { uri: 'edited.js', languageId: 'javascript' } }).map(({ path }) => path),
  ).toEqual(['tab.js']);
});
