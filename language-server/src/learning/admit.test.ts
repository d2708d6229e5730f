import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Admission, admit } from './admit.ts';
import { runGit } from './git.ts';
import { createSecretScanner } from './hygiene/secrets.ts';
import { plantSecrets, seeded } from './hygiene/testing/plantedSecrets.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'argot-admit-'));
  git('init', '-q');
  git('config', 'user.email', 'ada@example.org');
  git('config', 'user.name', 'Ada');
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  isFresh = () => false;
});

function git(...args: readonly string[]): void {
  execFileSync('git', args, { cwd: root, stdio: 'ignore' });
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function commit(path: string, text: string, email = 'ada@example.org'): void {
  write(path, text);
  git('add', '-A');
  git('commit', '-q', '-m', 'x', `--author=Somebody <${email}>`);
}

/** The span stands between two `|`. */
function consider(path: string, marked: string): Promise<Admission> {
  const [before = '', span = '', after = ''] = marked.split('|');
  const uri = `file://${root}`;
  return admit(
    {
      id: 'id',
      kind: 'accepted',
      uri: `${uri}/${path}`,
      languageId: 'javascript',
      folder: { uri, name: 'shop' },
      path,
      text: before + span + after,
      start: before.length,
      end: before.length + span.length,
      atMs: 5,
    },
    { git: runGit, hasSecret: createSecretScanner([]), excluded: (each) => each.endsWith('/left-out.js'), isFresh },
    new AbortController().signal,
  );
}

/** What no example holds yet. */
let isFresh: (line: string) => boolean = () => false;

async function reason(path: string, marked: string): Promise<string> {
  const admission = await consider(path, marked);
  return admission.kind === 'not' ? admission.reason : 'example';
}

test('a new file’s lines around the span are the example', async () => {
  write('src/a.js', '');
  const admission = await consider('src/a.js', 'const a = 1;\r\nconst b = |sum(a)|;\r\n');
  expect(admission).toMatchObject({
    kind: 'example',
    example: { text: 'const a = 1;\nconst b = sum(a);\n', spanStart: 23, spanEnd: 29, path: 'src/a.js', weight: 0.3 },
  });
});

test('other people’s lines end the window; those of the developer stay', async () => {
  commit('src/a.js', 'const theirs = 1;\n', 'bob@example.org');
  commit('src/a.js', 'const theirs = 1;\nconst mine = 2;\n', 'ADA@example.org');
  const admission = await consider('src/a.js', 'const theirs = 1;\nconst mine = 2;\nconst now = |3|;\n');
  expect(admission).toMatchObject({ example: { text: 'const mine = 2;\nconst now = 3;\n' } });
  expect(await reason('src/a.js', '|const theirs| = 1;\nconst mine = 2;\n')).toBe('others');
});

const above = (count: number) => Array.from({ length: count }, (_, i) => `const line${i} = ${i};\n`).join('');
async function textOf(marked: string): Promise<string> {
  const admission = await consider('src/a.js', marked);
  return admission.kind === 'example' ? admission.example.text : admission.reason;
}

test('the window reaches up to the highest line of the developer’s that no example holds', async () => {
  write('src/a.js', '');
  const marked = `${above(60)}const now = |3|;\n`;
  const lines = async () => (await textOf(marked)).split('\n');
  expect((await lines())[0]).toBe('const line36 = 36;');
  isFresh = (line) => line.startsWith('const line7 ');
  expect((await lines())[0]).toBe('const line7 = 7;');
  isFresh = () => true;
  expect(await lines()).toHaveLength(62);
  expect((await textOf(`${above(400)}const now = |3|;\n`)).length).toBeGreaterThan(6000);
  expect((await textOf(`${above(400)}const now = |3|;\n`)).length).toBeLessThanOrEqual(8000);
});

test('it does not reach beyond other people’s lines, nor to a secret', async () => {
  isFresh = () => true;
  commit('src/a.js', 'const theirs = 1;\n', 'bob@example.org');
  expect(await textOf(`${above(10)}const theirs = 1;\n${above(60)}const now = |3|;\n`)).toBe(
    `${above(60)}const now = 3;\n`,
  );
  const [planted] = plantSecrets(1, seeded(5));
  write('src/b.js', '');
  const admission = await consider('src/b.js', `${planted?.text}${above(60)}const now = |3|;\n`);
  expect(admission).toMatchObject({ example: { text: expect.stringMatching(/^const line36 = 36;\n/) } });
});

test.each([
  ['node_modules/a/index.js', 'path'],
  ['vendor/a.js', 'path'],
  ['app.min.js', 'path'],
  ['left-out.js', 'path'],
  ['ignored/a.js', 'path'],
  ['.env', 'path'],
])('nothing is learned from %s', async (path, expected) => {
  write('.gitignore', 'ignored/\n');
  write(path, '');
  expect(await reason(path, 'const a = |1|;\n')).toBe(expected);
});

test.each([
  ['// Code generated by protoc. DO NOT EDIT.\nconst a = |1|;\n', 'generated'],
  [`const a = |1|;${'x=1;'.repeat(500)}\n`, 'minified'],
  ['// Copyright 2024 |Somebody|\n// SPDX-License-Identifier: MIT\n\nconst a = 1;\n', 'licence'],
])('nothing is learned from %s', async (marked, expected) => {
  write('a.js', '');
  expect(await reason('a.js', marked)).toBe(expected);
});

test('a licence header is left out of the window', async () => {
  write('a.js', '');
  const admission = await consider('a.js', '/*\n * Copyright 2024\n * Licensed under MIT\n */\nconst a = |1|;\n');
  expect(admission).toMatchObject({ example: { text: 'const a = 1;\n' } });
});

test('code with a secret near it is not learned', async () => {
  write('a.js', '');
  const [planted] = plantSecrets(1, seeded(5));
  expect(await reason('a.js', `${planted?.text}const a = |1|;\n`)).toBe('secret');
});

test('without a folder nothing is learned', async () => {
  const deps = { git: runGit, hasSecret: async () => false, excluded: () => false, isFresh };
  const file = { uri: 'untitled:1', languageId: 'javascript', folder: undefined, path: 'Untitled-1' };
  const candidate = { ...file, id: '', kind: 'accepted', text: 'a\n', start: 0, end: 1, atMs: 0 } as const;
  expect(await admit(candidate, deps, new AbortController().signal)).toEqual({ kind: 'not', reason: 'noFolder' });
});
