import { rename, symlink } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { adminMachine, canMakeMachine } from '../lib/adminMachine.ts';
import { type Editor, openEditor } from './harness/editor.ts';

let editor: Editor | undefined;
afterEach(async () => {
  await editor?.close();
  editor = undefined;
});

/** From the file's change to the open document: a look every 0.4 s, and what the editor takes to draw on a busy machine. */
const withinMs = 2000;

it.skipIf(!canMakeMachine)(
  'an admin file that appears shows within a second who decided what, with its lock; a link in its place is said',
  async () => {
    await using machine = await adminMachine();
    editor = await openEditor({ files: { 'a.js': '\n' }, models: [], prefix: machine.prefix });
    const { page } = editor;
    await editor.statusBecomes(/no model/i);
    await editor.runCommand('Argot: Show Effective Policy');
    const shown = async (): Promise<string> => {
      const text = await page.locator('.editor-instance .view-lines').first().innerText();
      return text.replaceAll('\u00a0', ' ');
    };
    await expect.poll(shown, { timeout: 10_000 }).toMatch(/`federation`\s+\| on \| Argot/);

    const before = performance.now();
    await machine.install({ federation: false, bytesPerRound: 1000 });
    await expect
      .poll(shown, { timeout: 10_000, interval: 50 })
      .toMatch(/`federation` 🔒 \| off \| this machine’s administrator/);
    expect(performance.now() - before).toBeLessThan(withinMs);

    await editor.runCommand('Argot: Show Dashboard');
    const dashboard = page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
    await dashboard.locator('#policy td', { hasText: 'federation' }).first().waitFor({ timeout: 20_000 });
    expect(await dashboard.locator('#policy .scroll').first().innerText()).toMatch(
      /federation 🔒\s+off\s+this machine’s administrator\s+locked/,
    );

    const file = path.join(machine.folder, 'policy.json');
    await rename(file, path.join(machine.folder, 'real.json'));
    await symlink('real.json', file);
    const { message, buttons } = await editor.notification(/policy\.json is a symbolic link/, 5000);
    expect(message).toContain('Learning, federation and the network are off until an administrator corrects it.');
    expect(buttons).toEqual(['Show Effective Policy']);
    await dashboard.locator('#policy .problem', { hasText: 'symbolic link' }).waitFor({ timeout: 10_000 });
  },
);
