import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runGit } from './git.ts';
import { collectHistory } from './history.ts';
import { createSecretScanner } from './hygiene/secrets.ts';
import { plantSecrets, seeded } from './hygiene/testing/plantedSecrets.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'argot-history-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const git = (...args: readonly string[]): unknown => execFileSync('git', args, { cwd: root, stdio: 'ignore' });

function commit(path: string, text: string, email: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  git('add', '-A');
  git('-c', 'user.name=x', '-c', `user.email=${email}`, 'commit', '-q', '-m', 'x');
}

const collect = () =>
  collectHistory(
    { uri: `file://${root}`, name: 'shop' },
    { git: runGit, hasSecret: createSecretScanner([]), excluded: (uri) => uri.endsWith('.left.js') },
    new AbortController().signal,
  );

const lines = (who: string, count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => `const ${who}${from + i} = ${who}(${from + i});\n`).join('');

test('only committed lines of the developer’s own e-mail are used', async () => {
  git('init', '-q');
  git('config', 'user.email', 'ada@example.org');
  commit('a.js', lines('theirs', 6), 'bob@example.org');
  commit('a.js', lines('theirs', 3) + lines('mine', 5) + lines('theirs', 3, 3), 'Ada@example.org');
  commit('b.js', lines('other', 6), 'not-ada@example.org');
  commit('c.left.js', lines('excluded', 6), 'ada@example.org');
  commit('node_modules/d/index.js', lines('vendored', 6), 'ada@example.org');
  const [planted] = plantSecrets(1, seeded(9));
  commit('e.js', `${planted?.text}${lines('near', 4)}`, 'ada@example.org');
  writeFileSync(join(root, 'a.js'), lines('theirs', 3) + lines('mine', 5) + lines('new', 4) + lines('theirs', 3, 3));

  const outcome = await collect();
  expect(outcome).toMatchObject({
    ok: true,
    preview: { email: 'ada@example.org', files: 1, lines: 5, examples: 1, paths: ['a.js'] },
    examples: [{ kind: 'ownHistory', text: lines('mine', 5), languageId: 'javascript', path: 'a.js' }],
  });
  expect(outcome.ok && outcome.preview.leftOut).toEqual({
    'files that are ignored, excluded or made by tools': 2,
    'stretches with what looks like a secret': 1,
  });
  const again = await collect();
  expect(again.ok && again.examples[0]?.id).toBe(outcome.ok && outcome.examples[0]?.id);
});

test('without git, or without an e-mail, it says what to do', async () => {
  expect(await collect()).toMatchObject({ ok: false, message: expect.stringContaining('no git repository') });
});
