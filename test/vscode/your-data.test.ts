import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { plantSecrets, seeded } from '../../language-server/src/learning/hygiene/testing/plantedSecrets.ts';
import { connect } from '../lib/client.ts';
import { type Editor, openEditor } from './harness/editor.ts';
import { settledGhost, waitUntil } from './waits.ts';

/** A key that a neighbouring line holds when a suggestion is taken there. */
const secret = plantSecrets(1, seeded(21))[4]?.secret ?? '';
const lines = [
  "const red = 'red';",
  "const green = 'green';",
  "const blue = 'blue';",
  "const orange = 'orange';",
  '',
  '',
];
const files = {
  'kept.js': lines.join('\n'),
  'part.js': lines.join('\n'),
  'corrected.js': lines.join('\n'),
  'instead.js': lines.join('\n'),
  'undone.js': [...lines.slice(0, 4).reverse(), '', ''].join('\n'),
  'secret.js': [`const apiKey = '${secret}';`, ...lines].join('\n'),
};

/** Each file by itself, so that what the model offers in one does not depend on what was done in another. */
const settings = { 'argot.contextFromOtherFiles': false };

let editor: Editor;
beforeEach(async () => {
  // Two checks, soon: the real ones take ten minutes.
  editor = await openEditor({ files, settings, env: { ARGOT_SURVIVAL_MS: '2500,4000' } });
});
afterEach(() => editor?.close());

/** On a busy machine the editor may withdraw its request; the next keystroke makes another. */
async function begin(file: string, text: string): Promise<string> {
  await editor.openFile(file);
  await editor.press('Control+End');
  await editor.type(text);
  for (let tries = 0; tries < 3; tries++) {
    const came = await waitUntil(async () => ((await editor.ghostTextNow()) ?? '') !== '', 6000).then(
      () => true,
      () => false,
    );
    if (came) break;
    await editor.press('Backspace');
    await editor.type(text.slice(-1));
  }
  return settledGhost(editor);
}

/** Takes the suggestion that is shown, until the server knows of it; a person is no quicker. */
async function take(): Promise<void> {
  await using observer = await connect({ address: `${editor.home}/run/server.sock` });
  const taken = async () => (await observer.statistics()).signals.accepted ?? 0;
  const before = await taken();
  await editor.press('Tab');
  await waitUntil(async () => (await taken()) > before);
}

/** What it is about, what was done, where, when. */
const spoken = /, ([^,]+), (\w+\.js), [^,]+$/;

/** Rows of the view, as a screen reader says them. */
async function spokenRows(): Promise<readonly string[]> {
  const rows = editor.page.locator('.pane-body .monaco-list-row[aria-label]');
  const labels = await rows.evaluateAll((found) => found.map((row) => row.getAttribute('aria-label') ?? ''));
  return labels.filter((label) => spoken.test(label));
}

async function rowsBecome(holds: (rows: readonly string[]) => boolean): Promise<readonly string[]> {
  let rows: readonly string[] = [];
  await waitUntil(async () => {
    rows = await spokenRows();
    return holds(rows);
  }, 20_000).catch(() => undefined);
  return rows;
}

async function filesWith(folder: string, words: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const file = path.join(folder, name);
    if (!(await stat(file).catch(() => undefined))?.isFile() || name.startsWith('models')) continue;
    if ((await readFile(file)).includes(words)) found.push(name);
  }
  return found;
}

it('what a developer does with suggestions is in the view with its kind, and can be deleted and forgotten', async () => {
  await begin('kept.js', 'const purple');
  await editor.press('Tab');
  await begin('part.js', 'const purple');
  await editor.press('Control+ArrowRight');
  await begin('secret.js', 'const purple');
  await editor.press('Tab');
  await begin('corrected.js', 'const purple');
  await editor.press('Tab');
  // Before the quote and the semicolon.
  await editor.press('ArrowLeft');
  await editor.press('ArrowLeft');
  await editor.type('0');
  await editor.press('Escape');
  await begin('instead.js', 'const purple');
  await editor.type('5');
  await editor.type(' = 55;');
  await editor.press('Escape');
  await begin('undone.js', 'const purple');
  await take();
  await editor.press('Control+z');

  await editor.runCommand('Argot: Your Data');
  // A file has another row where what was typed differed from a suggestion on the way.
  const done = (all: readonly string[]) =>
    all.map((row) => spoken.exec(row)).map((found) => `${found?.[2]}: ${found?.[1]}`);
  const wanted = [
    'kept.js: Kept',
    'part.js: Kept in part',
    'corrected.js: Corrected',
    'instead.js: Typed instead',
    'undone.js: Taken back',
  ];
  const rows = await rowsBecome((all) => wanted.every((each) => done(all).includes(each)));
  expect(done(rows)).toEqual(expect.arrayContaining(wanted));
  expect(secret.length).toBeGreaterThan(10);
  expect(await filesWith(editor.home, 'const purple')).not.toEqual([]);
  expect(await filesWith(editor.home, secret)).toEqual([]);

  // Those of one file are deleted from the keyboard, the others stay.
  const ofKept = (all: readonly string[]) => all.filter((row) => row.includes('kept.js'));
  for (let count = ofKept(rows).length; count > 0; count--) {
    await editor.page.locator('.pane-body .monaco-list-row', { hasText: '· kept.js' }).first().click();
    await editor.press('Delete');
    await editor.page.locator('.monaco-dialog-box').getByText('Delete', { exact: true }).click();
    expect(ofKept(await rowsBecome((all) => ofKept(all).length < count))).toHaveLength(count - 1);
  }
  expect(done(await spokenRows())).toEqual(expect.arrayContaining(wanted.slice(1)));
  expect(await filesWith(path.join(editor.home, 'examples'), 'kept.js')).toEqual([]);

  await editor.runCommand('Argot: Forget Everything…');
  await editor.page.locator('.monaco-dialog-box').getByText('Forget', { exact: true }).click();
  await editor.notification(/has forgotten everything/);
  expect(await rowsBecome((all) => all.length === 0)).toEqual([]);
  for (const trace of ['const purple', secret, ...Object.keys(files)]) {
    expect(await filesWith(editor.home, trace), trace).toEqual([]);
  }
});
