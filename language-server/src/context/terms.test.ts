import { expect, test } from 'vitest';
import { forEachTerm, identifiersOf, termOf } from './terms.ts';

function terms(text: string): number[] {
  const found: number[] = [];
  forEachTerm(text, (term) => void found.push(term));
  return found.toSorted((a, b) => a - b);
}
const of = (...words: string[]) => words.map(termOf).toSorted((a, b) => a - b);

test.each([
  ['readHeader', ['read', 'header', 'readHeader']],
  ['read_header2', ['read', 'header', 'readheader2']],
  ['XMLHttpRequest', ['xml', 'http', 'request', 'XMLHttpRequest']],
  ['$store.get(id)', ['store', 'get', 'id']],
  ['if (a + 1 > 0x2f) {}', ['if']],
  ['größe_max', ['größe', 'max', 'größe_max']],
])('%s is split into its words', (text, words) => {
  expect(terms(text)).toEqual(of(...words));
});

test('case does not matter, so a constant finds the variable', () => {
  expect(termOf('MAX_SIZE')).toBe(termOf('maxSize'));
});

test('identifiers are whole and in order', () => {
  expect(identifiersOf('const a1 = readHeader(b, a1)')).toEqual(['const', 'a1', 'readHeader', 'a1']);
});
