import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { completionCases } from './cases.ts';
import { isTest, normalised, rejection } from './clean.ts';
import type { SourceFile } from './corpus.ts';
import { withoutCopies } from './duplicates.ts';
import { readManifest } from './manifest.ts';
import { splitByTime } from './split.ts';
import { readTarball } from './tarball.ts';

/** A text of its own for each seed, of about the given number of lines. */
function code(seed: number, lines: number): string {
  return Array.from(
    { length: lines },
    (_, i) => `function f${seed}x${i}(a${i}, b${seed}) {\n  return a${i} * ${i + seed} + b${seed}.value\n}\n`,
  ).join('\n');
}

function file(given: Partial<SourceFile>): SourceFile {
  return { author: 'ann', package: 'one', path: 'index.js', published: '2020-01-01', text: code(1, 20), ...given };
}

describe('cleaning', () => {
  it.each([
    ['readme.md', code(1, 10), 'type'],
    ['dist/index.js', code(1, 10), 'folder'],
    ['lib/vendor/x.js', code(1, 10), 'folder'],
    ['index.min.js', code(1, 10), 'name'],
    ['types/index.d.ts', code(1, 10), 'name'],
    ['index.js', 'short', 'small'],
    ['index.js', code(1, 2000), 'large'],
    ['test/index.js', code(1, 600), 'large'],
    ['index.js', `${code(1, 10)}\0`, 'binary'],
    ['index.js', `${code(1, 10)}${'x'.repeat(401)}`, 'longLine'],
    ['index.js', `// do not edit\n${code(1, 10)}`, 'generated'],
    ['index.js', `Object.defineProperty(exports, "__esModule")\n${code(1, 10)}`, 'transpiled'],
    ['index.js', `module.exports = {\n${'  name: ["value", 1, 2, 3],\n'.repeat(20)}}`, 'data'],
    ['index.js', code(1, 10), undefined],
    ['lib/deep/index.mjs', code(1, 10), undefined],
  ])('%s', (path, text, why) => expect(rejection(path, text)).toBe(why));

  it('knows tests by their folder and name', () => {
    expect(['test/a.js', 'a.test.js', 'tests-b.js', 'spec/c.ts'].every(isTest)).toBe(true);
    expect(['contest.js', 'latest/a.js', 'index.js'].some(isTest)).toBe(false);
  });

  it('takes Windows line ends and the byte order mark away', () => {
    expect(normalised('\uFEFFa\r\nb\rc')).toBe('a\nb\nc');
  });
});

describe('copies', () => {
  const original = file({ text: code(1, 40) });
  // One line of forty changed: near, not equal.
  const near = file({ package: 'two', published: '2021-01-01', text: code(1, 40).replace('f1x7(', 'changed(') });
  const other = file({ package: 'two', path: 'other.js', text: code(2, 40) });

  it('of one author go but for the oldest', () => {
    expect(withoutCopies([near, other, original])).toEqual([other, original]);
  });

  it('across authors go from both', () => {
    expect(withoutCopies([original, { ...near, author: 'bob' }, other])).toEqual([other]);
  });
});

describe('splits', () => {
  const packages = Array.from({ length: 10 }, (_, i) =>
    file({ package: `p${i}`, published: `20${19 - i}-01-01`, text: code(i, 30) }),
  );
  const splits = splitByTime(packages);

  it('has whole packages, the oldest first, near 70, 10 and 20 %', () => {
    const names = [splits.train, splits.valid, splits.test].map((files) => files.map((each) => each.package));
    expect(names).toEqual([['p9', 'p8', 'p7', 'p6', 'p5', 'p4', 'p3'], ['p2'], ['p1', 'p0']]);
  });

  it('lets no package have more than 60,000 units of source, nor tests more than a third of it', () => {
    const large = Array.from({ length: 30 }, (_, i) =>
      file({ package: 'p0', path: `s${i}.js`, text: code(100 + i, 60) }),
    );
    const tests = Array.from({ length: 30 }, (_, i) =>
      file({ package: 'p0', path: `test/${i}.js`, text: code(i, 60) }),
    );
    const { train, valid, test } = splitByTime([...large, ...tests, ...packages.slice(1)]);
    const kept = [...train, ...valid, ...test].filter((each) => each.package === 'p0');
    const units = (some: readonly SourceFile[]): number => some.reduce((sum, { text }) => sum + text.length, 0);
    const source = units(kept.filter(({ path }) => !isTest(path)));
    expect(source).toBeGreaterThan(50_000);
    expect(source).toBeLessThanOrEqual(60_000);
    expect(units(kept.filter(({ path }) => isTest(path)))).toBeLessThanOrEqual(source / 3);
  });
});

describe('completion cases', () => {
  const files = [file({ text: code(1, 200) }), file({ path: 'b.js', text: `/* ${code(2, 3)} */\n${code(3, 30)}` })];
  const cases = completionCases('ann', files);

  it('are 150 places of the files, some inside a line, and the same each time', () => {
    expect(cases).toHaveLength(150);
    expect(new Set(cases.map(({ kind }) => kind))).toEqual(new Set(['line', 'mid']));
    expect(completionCases('ann', files)).toEqual(cases);
    for (const { path, prefix, target, suffix } of cases) {
      const text = files.find((each) => each.path === path)?.text;
      expect(text).toContain(prefix + target + suffix);
      expect(target.replace(/\s/g, '').length).toBeGreaterThanOrEqual(8);
    }
  });

  it('are no comments and no lines that came before', () => {
    expect(cases.filter(({ target }) => target.includes('f2x'))).toEqual([]);
    const lines = cases.filter(({ kind }) => kind === 'line').map(({ target }) => target);
    expect(new Set(lines).size).toBe(lines.length);
  });
});

describe('tarballs', () => {
  function entry(path: string, body: string, type = '0'): Buffer {
    const header = Buffer.alloc(512);
    header.write(path.slice(0, 100), 0);
    header.write(body.length.toString(8).padStart(11, '0'), 124);
    header.write(type, 156);
    header.write('ustar', 257);
    return Buffer.concat([header, Buffer.from(body), Buffer.alloc((512 - (body.length % 512)) % 512)]);
  }

  it('give regular files, with long names, and no links', () => {
    const long = `package/${'deep/'.repeat(30)}x.js`;
    const record = ` path=${long}\n`;
    const pax = `${record.length + 3}${record}`;
    const tar = [
      entry('package/a.js', 'one'),
      entry('package/link', '', '2'),
      entry('pax', pax, 'x'),
      entry('cut', 'two'),
    ];
    const files = readTarball(gzipSync(Buffer.concat([...tar, Buffer.alloc(1024)])));
    expect(files.map(({ path, data }) => [path, data.toString()])).toEqual([
      ['a.js', 'one'],
      [long.replace('package/', ''), 'two'],
    ]);
  });
});

it('our manifest is one, and names no licence that a benchmark may not use', async () => {
  expect((await readManifest(undefined)).authors.map(({ id }) => id)).toHaveLength(10);
});
