import { expect, test } from 'vitest';
import { createSuggestionCache } from './cache.ts';

/** ‸ marks the cursor. */
function at(document: string) {
  const offset = document.indexOf('‸');
  return { uri: 'file:///a.js', offset, prefix: document.slice(0, offset), suffix: document.slice(offset + 1) };
}

function cacheWith(document: string, text: string) {
  const cache = createSuggestionCache();
  const { uri, offset, prefix, suffix } = at(document);
  cache.add({ uri, offset, before: prefix, after: suffix, text, itemId: '1' });
  return cache;
}

test('typing through a suggestion leaves its rest', () => {
  const cache = cacheWith('let a = fo‸\nnext', 'o(bar)');
  expect(cache.find(at('let a = foo‸\nnext'))?.text).toBe('(bar)');
});

test('a backspace restores it', () => {
  const cache = cacheWith('let a = fo‸\nnext', 'o(bar)');
  expect(cache.find(at('let a = fo‸\nnext'))?.text).toBe('o(bar)');
});

test('typing something else is a miss', () => {
  const cache = cacheWith('let a = fo‸\nnext', 'o(bar)');
  expect(cache.find(at('let a = for‸\nnext'))).toBeUndefined();
});

test('a suggestion typed to its end is used up', () => {
  const cache = cacheWith('x‸', 'y');
  expect(cache.find(at('xy‸'))).toBeUndefined();
});

test('the closing bracket that the editor adds is replaced', () => {
  const cache = cacheWith('foo‸\nnext', '(bar) {');
  expect(cache.find(at('foo(‸)\nnext'))).toMatchObject({ text: 'bar) {', replaceAfter: ')' });
});

test('Enter between brackets, which gives the closing one its own line, is typing through', () => {
  const cache = cacheWith('f(() => {‸});', '\n  one();\n  two();\n');
  expect(cache.find(at('f(() => {\n  ‸\n});'))).toMatchObject({ text: 'one();\n  two();', replaceAfter: '' });
  expect(cache.find(at('f(() => {\n  ‸\n}); // other'))?.text).toBe('one();\n  two();');
  expect(cache.find(at('f(() => {\n  ‸\n  x});'))).toBeUndefined();
});

test('a bracket that the suggestion never closes is no reason to show it', () => {
  const cache = cacheWith('foo‸\nnext', '(bar');
  expect(cache.find(at('foo(‸)\nnext'))).toBeUndefined();
});

test('the same words elsewhere are another place', () => {
  const cache = cacheWith('first();\nlet a = fo‸\nnext', 'o(bar)');
  expect(cache.find(at('other();\nlet a = foo‸\nnext'))).toBeUndefined();
});

test('a changed suffix is a miss', () => {
  const cache = cacheWith('let a = fo‸\nnext', 'o(bar)');
  expect(cache.find(at('let a = foo‸\nchanged'))).toBeUndefined();
});

test('the oldest leaves when the cache is full', () => {
  const cache = createSuggestionCache(2);
  for (const name of ['a', 'b', 'c']) {
    cache.add({ uri: name, offset: 0, before: '', after: '', text: 'text', itemId: name });
  }
  const find = (uri: string) => cache.find({ uri, offset: 0, prefix: '', suffix: '' });
  expect([find('a'), find('b')?.text, find('c')?.text]).toEqual([undefined, 'text', 'text']);
});
