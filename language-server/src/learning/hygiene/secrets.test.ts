import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createSecretScanner } from './secrets.ts';
import { plantSecrets, secretKinds, seeded } from './testing/plantedSecrets.ts';

const repository = join(import.meta.dirname, '..', '..', '..', '..');
const hasSecret = createSecretScanner([]);

test('of planted secrets at least 99 of 100 are found', async () => {
  const planted = plantSecrets(8, seeded(20261125));
  expect(secretKinds.length).toBeGreaterThanOrEqual(40);
  expect(planted.length).toBeGreaterThanOrEqual(300);
  const missed: string[] = [];
  for (const { kind, text } of planted) if (!(await hasSecret(text))) missed.push(`${kind}: ${text.split('\n')[3]}`);
  expect(missed.length / planted.length, missed.join('\n')).toBeLessThanOrEqual(0.01);
});

/** Source of well-kept projects, and our own where it speaks of no secrets by their shapes. */
async function ordinaryFiles(): Promise<string[]> {
  const folders = ['bench/traces', 'extension/src', 'protocol/src/privacy', 'language-server/src/completion'];
  const found = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(join(repository, folder), { recursive: true });
      return names
        .filter((name) => /\.(?:ts|js\.txt|ts\.txt|py\.txt)$/.test(name))
        .map((name) => join(repository, folder, name));
    }),
  );
  return found.flat().filter((path) => extname(path) !== '' && !/secret/i.test(path));
}

test('of lines of ordinary code at most 1 in 1000 is taken for a secret', async () => {
  let lines = 0;
  const mistaken: string[] = [];
  for (const path of await ordinaryFiles()) {
    const all = (await readFile(path, 'utf8')).split('\n');
    lines += all.length;
    for (let from = 0; from < all.length; from += 25) {
      const window = all.slice(from, from + 25);
      if (!(await hasSecret(window.join('\n')))) continue;
      const guilty = [];
      for (const line of window) if (await hasSecret(`${line}\n`)) guilty.push(`${path}: ${line}`);
      mistaken.push(...(guilty.length > 0 ? guilty : [`${path}: from line ${from + 1}`]));
    }
  }
  expect(lines).toBeGreaterThanOrEqual(3000);
  expect(mistaken.length / lines, mistaken.join('\n')).toBeLessThanOrEqual(0.001);
});

describe('ordinary lines that speak of secrets', () => {
  test.each([
    'const password = prompt("Password:");',
    'const token = await readToken(file);',
    'password: string;',
    "const apiKey = process.env.API_KEY ?? '';",
    "const passwordField = document.querySelector('#password');",
    'token = os.environ["GITHUB_TOKEN"]',
    "const secret = 'your-secret-here';",
    'if (token === "identifier") return parse(token);',
    "const tokenType = 'access_token';",
    'https://user:password@example.com/',
    'integrity sha512-of-a-file',
    "const id = '3f2504e0-4f89-11d3-9a0c-0305e82c3301';",
    'password: <%= secrets.db %>',
  ])('%s', async (line) => {
    expect(await hasSecret(`${line}\n`)).toBe(false);
  });
});

test('the organisation’s rules hold too', async () => {
  const scanner = createSecretScanner(['corp-[0-9]{6}']);
  expect(await scanner("const ticket = 'corp-123456';\n")).toBe(true);
  expect(await scanner("const ticket = 'corp-x';\n")).toBe(false);
});

test('a comment that switches secretlint off does not', async () => {
  const [planted] = plantSecrets(1, seeded(3));
  expect(await hasSecret(`// secretlint-disable\n${planted?.text}`)).toBe(true);
});
