import { afterEach, expect, it } from 'vitest';
import { connect } from '../lib/client.ts';
import { type Editor, openEditor } from './harness/editor.ts';
import { isAlive } from './harness/languageServer.ts';
import { settledGhost, waitUntil } from './waits.ts';

const colours = ['red', 'green', 'blue', 'orange'];
const text = [...colours.map((colour) => `const ${colour} = '${colour}';`), '', ''].join('\n');
const days = ['monday', 'tuesday', 'wednesday', 'thursday'];
const files = {
  'colours.js': text,
  'days.py': [...days.map((day) => `${day} = "${day}"`), '', ''].join('\n'),
};

let editor: Editor | undefined;
afterEach(async () => {
  await editor?.close();
  editor = undefined;
});

async function begin(): Promise<Editor> {
  editor = await openEditor({ files });
  await editor.openFile('colours.js');
  await editor.press('Control+End');
  await editor.statusBecomes(/Ready/, 20_000);
  return editor;
}

it('is ready before anything is typed, and two windows have one server and one model in memory', async () => {
  const first = await begin();
  await first.type('const purple');
  await settledGhost(first);
  const pid = await first.languageServerPid();

  const second = await first.secondWindow();
  await second.openFile('days.py');
  await second.press('Control+End');
  await second.type('friday');
  await settledGhost(second);

  expect(await first.languageServerPid()).toBe(pid);
  await using observer = await connect({ address: `${first.home}/run/server.sock` });
  const { clients, modelsInMemory } = await observer.statistics();
  expect(clients).toBe(3);
  expect(modelsInMemory).toBe(1);
  await second.close();
  await waitUntil(async () => (await observer.statistics()).clients === 2);
});

it('who types while the extension of a new window starts gets the suggestion without another key', async () => {
  const window = await begin();
  const { page } = window;
  await page.reload({ waitUntil: 'commit' });
  await page.locator('.monaco-workbench .part.editor').waitFor();
  await window.openFile('colours.js');
  await page.keyboard.press('Control+End');
  await page.keyboard.type('const purple', { delay: 20 });
  await settledGhost(window, 1500);
});

it('after kill -9 while a suggestion is shown the next one comes by itself within 10 s', async () => {
  const window = await begin();
  await window.type('const purple');
  await settledGhost(window);
  const pid = await window.languageServerPid();
  if (pid === undefined) throw new Error('No language server listens.');

  process.kill(pid, 'SIGKILL');
  const killed = performance.now();
  await waitUntil(() => !isAlive(pid));
  await waitUntil(async () => {
    const next = await window.languageServerPid();
    return next !== undefined && next !== pid;
  });
  // The developer does nothing: the new server is asked for what was lost.
  await using observer = await connect({ address: `${window.home}/run/server.sock` });
  await waitUntil(async () => (await observer.statistics()).modelCalls > 0, 10_000);
  const ghost = await settledGhost(window, 300);
  expect(performance.now() - killed).toBeLessThan(10_000);
  expect(await window.notifications()).toEqual([]);

  // The new server has the document as it stands now.
  await window.press('Tab');
  const lines = (await window.documentText()).split('\n');
  expect(lines.at(-1)).toBe(`const purple${ghost}`);
  await window.press('Enter');
  await window.type('const yellow');
  await settledGhost(window);
});

it('“Restart Language Server” starts another, which has the document', async () => {
  const window = await begin();
  await window.type('const purple');
  await settledGhost(window);
  const pid = await window.languageServerPid();
  await window.press('Escape');
  await window.runCommand('Argot: Restart Language Server');
  await waitUntil(async () => {
    const next = await window.languageServerPid();
    return next !== undefined && next !== pid;
  });
  await window.statusBecomes(/Ready/);
  expect(await window.notifications()).toEqual([]);
  await window.type(' ');
  await settledGhost(window);
});
