import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConsoleMessage, FrameLocator, Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { dashboardHome, dayName } from './dashboardHome.ts';
import { type Editor, openEditor } from './harness/editor.ts';

const pictures = fileURLToPath(new URL('../../.cache/screenshots', import.meta.url));
const files = { 'a.js': "const red = 'red';\nconst green = 'green';\n\n" };

const settings = { 'argot.policy': { epsilonPerYear: 6 } };

let editor: Editor | undefined;
afterEach(async () => {
  await editor?.close();
  editor = undefined;
});

/** The page inside the webview's two frames. */
function dashboardOf(page: Page): FrameLocator {
  return page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
}

/** What the page and its frames say in the console of what went wrong. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  const note = (message: ConsoleMessage): void => {
    const { url } = message.location();
    if (message.type() === 'error' && /argot|webview|dashboard/.test(url + message.text())) {
      complaints.push(`${url}: ${message.text()}`);
    }
  };
  page.on('console', note);
  page.on('pageerror', (error) => complaints.push(String(error)));
  return complaints;
}

it('shows figures in light, dark and high contrast, without an error, and works by keyboard', async () => {
  editor = await openEditor({
    files,
    settings: { ...settings, 'workbench.colorTheme': 'Light Modern' },
    prepareHome: dashboardHome,
  });
  await editor.statusBecomes(/Ready/);
  const complaints = complaintsOf(editor.page);
  await editor.runCommand('Argot: Show Dashboard');
  const page = dashboardOf(editor.page);
  await page.locator('h2', { hasText: 'What left this machine' }).waitFor({ timeout: 20_000 });
  await page.locator('#completions-chart canvas').waitFor();
  expect(await page.locator('#completions .figures').innerText()).toMatch(/shown\s+1,120\s+accepted\s+364 \(33 %\)/);
  expect(await page.locator('#policy').innerText()).toMatch(/epsilonPerYear\s+at most 6\s+your settings/);
  expect(await page.locator('#privacy .figures').innerText()).toMatch(/cap for a year\s+6\.00/);
  await page.locator('#privacy-chart canvas').waitFor();
  expect(await page.locator('#rounds').innerText()).toContain('taken part in no round');

  // By keyboard: Tab reaches the first fold, Enter opens it, and the table is there.
  await page.locator('h1').click();
  await editor.page.keyboard.press('Tab');
  await editor.page.keyboard.press('Enter');
  await page
    .locator('#completions td', { hasText: dayName(new Date(Date.now() - 24 * 3600 * 1000)) })
    .first()
    .waitFor();
  await page.locator('#left vscode-collapsible .collapsible-header').focus();
  await editor.page.keyboard.press('Enter');
  expect(await page.locator('#left .scroll').innerText()).toContain('asks for the model file');

  await mkdir(pictures, { recursive: true });
  for (const [name, theme] of [
    ['light', 'Light Modern'],
    ['dark', 'Dark Modern'],
    ['high-contrast', 'Dark High Contrast'],
  ] as const) {
    await editor.runCommand('Preferences: Color Theme');
    await editor.type(theme, 10);
    await editor.pick(theme);
    const kind = name === 'light' ? 'vscode-light' : name === 'dark' ? 'vscode-dark' : 'vscode-high-contrast';
    await page.locator(`body.${kind}`).waitFor({ timeout: 10_000 });
    await page.locator('#left-chart canvas').waitFor();
    await editor.screenshot(path.join(pictures, `dashboard-${name}.png`));
  }
  expect(complaints).toEqual([]);
});

it('explains itself where there is nothing yet, and says who forbids what', async () => {
  editor = await openEditor({ files, models: [], settings: { 'argot.policy': { network: false } } });
  await editor.statusBecomes(/no model/i);
  await editor.runCommand('Argot: Show Dashboard');
  const page = dashboardOf(editor.page);
  for (const words of [
    'Nothing was suggested yet',
    'There is no adapter yet',
    'No privacy was spent',
    'Nothing has left',
  ]) {
    await page.locator('.empty', { hasText: words }).waitFor({ timeout: 20_000 });
  }
  await page.locator('#left vscode-button', { hasText: 'Verify Ledger' }).click();
  await editor.notification(/ledger of what left holds 0 entries/);
  await page.locator('#policy vscode-button', { hasText: 'Show Effective Policy' }).click();
  await editor.page.locator('.tab.active').filter({ hasText: 'Effective Policy' }).waitFor();
  await expect
    .poll(() => editor?.page.locator('.editor-instance .view-lines').first().innerText(), { timeout: 10_000 })
    .toMatch(/What.may.happen.on.this.machine/);

  await editor.runCommand('Notifications: Clear All Notifications');
  await editor.runCommand('Argot: Download Default Model');
  const dialog = editor.page.locator('.monaco-dialog-box');
  await dialog.locator('.monaco-button').filter({ hasText: 'Download' }).click();
  const refusal = await editor.notification(/“network” is set to off by your settings/, 20_000);
  expect(refusal.buttons).toEqual(['Show Effective Policy']);
});
