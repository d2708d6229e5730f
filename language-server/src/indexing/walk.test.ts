import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { admits, walk } from './walk.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'argot-walk-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function files(tree: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(tree)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

async function walked(excluded: (path: string) => boolean = () => false): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of walk(root, excluded, new AbortController().signal)) paths.push(path);
  return paths.toSorted();
}

test('sources are found; what is ignored, made, vendored or excluded is not', async () => {
  await files({
    '.gitignore': '*.log.js\n/private\n',
    'a.js': '',
    'b.log.js': '',
    'private/c.js': '',
    'src/d.py': '',
    'src/private/e.py': '',
    'src/.gitignore': 'local_*\n!local_kept.py\n',
    'src/local_f.py': '',
    'src/local_kept.py': '',
    'node_modules/g/index.js': '',
    'dist/h.js': '',
    'i.min.js': '',
    'picture.png': '',
    'keys/k.js': '',
    '.git/info/exclude': 'scratch.js\n',
    'scratch.js': '',
  });
  await symlink(join(root, 'a.js'), join(root, 'link.js'));
  const expected = ['a.js', 'src/d.py', 'src/local_kept.py', 'src/private/e.py'];
  expect(await walked((path) => path.startsWith('keys/'))).toEqual(expected);
  for (const path of [
    ...expected,
    'b.log.js',
    'private/c.js',
    'src/local_f.py',
    'dist/h.js',
    'scratch.js',
    'keys/k.js',
  ]) {
    expect([path, await admits(root, path, (each) => each.startsWith('keys/'))]).toEqual([
      path,
      expected.includes(path),
    ]);
  }
});

test('a folder that is not there has no files', async () => {
  root = join(root, 'gone');
  expect(await walked()).toEqual([]);
});
