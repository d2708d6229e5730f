import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tideCursor, tideHelper, tideHidden, tidePackage } from '../lib/tidePackage.ts';
import { type Editor, openEditor } from './harness/editor.ts';
import { settledGhost, waitUntil } from './waits.ts';

let editor: Editor;

beforeAll(async () => {
  editor = await openEditor({
    files: tidePackage,
    // The editor's own list would open at some keys, and what it has selected is what a suggestion goes on from then.
    settings: { 'argot.exclude': ['**/private/**'], 'editor.quickSuggestions': false },
  });
  await editor.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
});
afterAll(() => editor?.close());

/** What “Show Last Completion” says. */
async function lastCompletion(): Promise<string> {
  await editor.runCommand('Argot: Show Last Completion');
  await editor.page.locator('.tab.active').filter({ hasText: 'Last Completion.md' }).waitFor();
  await editor.press('Control+A');
  await editor.press('Control+C');
  await editor.press('Control+F4');
  return editor.page.evaluate('navigator.clipboard.readText()');
}

/** Until the language server has had nothing to do for longer than the pause after which it prepares. */
async function serverRests(): Promise<void> {
  const pid = await editor.languageServerPid();
  let [ticks, since] = [0, performance.now()];
  await waitUntil(async () => {
    const now = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ').slice(13, 15).map(Number);
    const used = (now[0] ?? 0) + (now[1] ?? 0);
    // Timers cost a tick now and then.
    if (used > ticks + 5) [ticks, since] = [used, performance.now()];
    return performance.now() - since > 2500;
  }, 30_000);
}

async function indexIsStored(): Promise<boolean> {
  const stored = path.join(editor.home, 'index');
  const folders = await readdir(stored).catch(() => []);
  const files = await Promise.all(folders.map((folder) => readdir(path.join(stored, folder))));
  return files.flat().includes('index.json');
}

it('a helper of another file is completed by its name and arguments, the trace says why, and an excluded file enters no prompt', async () => {
  await editor.statusBecomes(/ready/i);
  await waitUntil(indexIsStored, 30_000);
  const shown: string[] = [];
  await editor.openFile('app.js');
  await editor.goTo(tideCursor.line, 1);
  await editor.press('Shift+End');
  await editor.press('Delete');
  await editor.type('  ');
  // The cursor rests: the key's request is answered, and a second later the prompt of this place is made ready.
  await serverRests();
  await editor.type('return compare');
  const offered = await settledGhost(editor);
  expect(`compare${offered}`).toContain(tideHelper);
  shown.push(await lastCompletion());
  expect(shown[0]).toContain('What the index found is likely to help here.');
  expect(shown[0]).toMatch(/- lib\/tables\.js, lines \d+ to \d+/);

  for (const more of ['QuorbHid', ' + unlockTab']) {
    await editor.openFile('app.js');
    await editor.press('Escape');
    await editor.type(more);
    await serverRests();
    shown.push(await lastCompletion());
  }
  expect(shown.join('\n')).toContain('function compareQuorbTables');
  expect(shown.join('\n')).not.toMatch(tideHidden);
});
