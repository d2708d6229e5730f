import { expect, test } from 'vitest';
import { chunkTerms } from './chunkTerms.ts';
import { queryTerms } from './query.ts';
import { createRepositoryIndex, type RepositoryIndex } from './repositoryIndex.ts';
import { textHash } from './textHash.ts';

function put(index: RepositoryIndex, path: string, ...texts: string[]): void {
  let line = 0;
  const chunks = texts.map((text) => {
    const start = line;
    line += text.split('\n').length;
    return { start, end: line, hash: textHash(text), terms: chunkTerms(text, path) };
  });
  index.put({ path, sizeBytes: 1, modifiedMs: 1 }, chunks);
}

function found(index: RepositoryIndex, before: string): string[] {
  return index.search(queryTerms({ before, after: '' }), 5).map(({ path, start }) => `${path}:${start}`);
}

test('the chunk that defines what is asked for comes first', () => {
  const index = createRepositoryIndex();
  put(index, 'a.js', 'function readHeader(stream) {\n  return stream.read(8);\n}', 'const x = other(1);');
  put(index, 'b.js', 'const h = readHeader(file);\nuse(h);');
  put(index, 'c.js', 'let nothing = alike;');
  index.seal();
  expect(found(index, 'readHeader(')).toEqual(['a.js:0', 'b.js:0']);
});

test('a file that changes is found by its new text only, and a removed one not at all', () => {
  const index = createRepositoryIndex();
  put(index, 'a.js', 'function alpha() {}');
  put(index, 'b.js', 'function gamma() {}');
  index.seal();
  put(index, 'a.js', 'function beta() {}');
  index.seal();
  expect(found(index, 'alpha')).toEqual([]);
  expect(found(index, 'beta')).toEqual(['a.js:0']);
  index.remove('b.js');
  expect(found(index, 'gamma')).toEqual([]);
  expect(index.paths()).toEqual(['a.js']);
});

test('many saves are merged and keep their answers', () => {
  const index = createRepositoryIndex();
  for (let i = 0; i < 300; i++) {
    put(index, `f${i % 60}.js`, `function name${'abcdefghij'[i % 10]}${'klmnopqrst'[Math.floor(i / 10) % 10]}x() {}`);
    index.seal();
  }
  expect(index.segments().length).toBeLessThan(15);
  expect(index.paths()).toHaveLength(60);
  const again = createRepositoryIndex(index.segments());
  expect(again.paths().toSorted()).toEqual(index.paths().toSorted());
  expect(found(again, 'namejtx')).toEqual(found(index, 'namejtx'));
  expect(found(index, 'namejtx')).toHaveLength(1);
});

test('a term that is everywhere does not decide', () => {
  const index = createRepositoryIndex();
  for (let i = 0; i < 100; i++) put(index, `f${i}.js`, `const value = common(${i});${i === 40 ? ' rare();' : ''}`);
  index.seal();
  expect(found(index, 'common(rare')[0]).toBe('f40.js:0');
});
