import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Locator, Page } from 'playwright-core';

/** Generous: a busy machine is slow, and a test that passes does not wait. */
const patienceMs = 30_000;
/** Long enough for the editor to act on a key and to draw what came of it. */
const settleMs = 300;

export interface Notification {
  readonly message: string;
  readonly buttons: readonly string[];
}

export interface StatusItem {
  readonly text: string;
  /** What a screen reader says. */
  readonly label: string;
}

/** One window of the editor, driven as a person would: by keys and by what is on the screen. */
export interface EditorWindow {
  readonly page: Page;
  /** Opens a file of the workspace by its path relative to it, and waits until its text is shown. */
  openFile(name: string): Promise<void>;
  /** Both count from 1, as the editor's status bar does. */
  goTo(line: number, column: number): Promise<void>;
  /** Types at a person's pace. */
  type(text: string, delayMs?: number): Promise<void>;
  /** Presses a key in playwright's names, such as `Tab` or `Control+ArrowRight`. */
  press(key: string): Promise<void>;
  /** The suggestion that is shown, waiting for one; lines are joined by line feeds. */
  ghostText(waitMs?: number): Promise<string>;
  /** The suggestion that is shown now, or undefined. */
  ghostTextNow(): Promise<string | undefined>;
  /** Waits until no suggestion is shown, and sees that none comes for a while. */
  staysWithoutGhostText(forMs?: number): Promise<void>;
  /** Runs a command by its title in the palette, such as `Argot: Choose Model`. */
  runCommand(title: string): Promise<void>;
  /** The rows of the open picker, waiting for one. */
  pickerRows(): Promise<string[]>;
  /** Chooses a row of the open picker by the start of its label. */
  pick(label: string): Promise<void>;
  /** Argot's item in the status bar. */
  statusItem(): Promise<StatusItem>;
  /** Waits until Argot's item fits, by its text or what a screen reader says. */
  statusBecomes(expected: RegExp, waitMs?: number): Promise<void>;
  clickStatusItem(): Promise<void>;
  /** Notifications on the screen now. */
  notifications(): Promise<Notification[]>;
  /** Waits for a notification whose message fits. */
  notification(expected: RegExp, waitMs?: number): Promise<Notification>;
  /** Presses a button of a notification. */
  answerNotification(button: string): Promise<void>;
  save(): Promise<void>;
  /** Saves the file that was opened last and gives its text. */
  documentText(): Promise<string>;
  screenshot(file: string): Promise<void>;
  close(): Promise<void>;
}

/** Drives a page in which the workbench is open on the given folder. */
export function driveWindow(page: Page, workspace: string, explain: () => Promise<string>): EditorWindow {
  let opened: string | undefined;
  const ghost = page.locator('.editor-instance .monaco-editor [class*="ghost-text"]');
  const picker = page.locator('.quick-input-widget');
  const rows = picker.locator('.quick-input-list .monaco-list-row');
  const status = page.locator('.statusbar-item[id^="argot.argot"]').first();

  /** A failure that says what the editor and the server were doing, since the window is gone when it is read. */
  async function fail(what: string): Promise<never> {
    const { text, label } = await readStatus().catch(() => ({ text: 'none', label: '' }));
    const shown = await readNotifications().catch(() => []);
    const dialogs = await page
      .locator('.monaco-dialog-box')
      .allInnerTexts()
      .catch(() => []);
    throw new Error(
      `${what}\ndialogs: ${JSON.stringify(dialogs)}\nstatus item: ${text} (${label})\nnotifications: ${JSON.stringify(shown)}\n${await explain()}`,
    );
  }

  async function readStatus(): Promise<StatusItem> {
    await status.waitFor({ timeout: patienceMs });
    const label = (await status.locator('a').first().getAttribute('aria-label')) ?? '';
    return { text: (await status.innerText()).trim(), label };
  }

  async function readNotifications(): Promise<Notification[]> {
    const items = await page.locator('.notifications-toasts .notification-list-item').all();
    return Promise.all(
      items.map(async (item) => ({
        message: (await item.locator('.notification-list-item-message').innerText()).trim(),
        buttons: await item.locator('.notification-list-item-buttons-container .monaco-button').allInnerTexts(),
      })),
    );
  }

  async function readGhost(): Promise<string | undefined> {
    const pieces = await ghost.evaluateAll(gatherGhostText);
    return pieces.length === 0 ? undefined : pieces.join('\n').replaceAll('\u00a0', ' ').replaceAll('\u200b', '');
  }

  async function openPicker(key: string, text: string): Promise<void> {
    await page.keyboard.press(key);
    const input = picker.locator('input').first();
    await input.waitFor({ timeout: patienceMs });
    await page.keyboard.type(text);
  }

  async function clickRow(label: string): Promise<void> {
    const row = rows
      .filter({ has: page.locator(`[aria-label^=${JSON.stringify(label)}]`) })
      .or(picker.locator(`.quick-input-list .monaco-list-row[aria-label^=${JSON.stringify(label)}]`));
    await waitOr(row.first(), () => fail(`The picker offers no “${label}”.`));
    await row.first().click();
  }

  const self: EditorWindow = {
    page,
    async openFile(name) {
      await openPicker('ControlOrMeta+P', name);
      const row = rows.filter({ hasText: path.basename(name) }).first();
      await waitOr(row, () => fail(`The editor finds no file ${name}.`));
      // Files opened before are listed at once, with another one selected.
      await row.click();
      const tab = page.locator('.tab.active').filter({ hasText: path.basename(name) });
      await waitOr(tab, () => fail(`The editor did not open ${name}.`));
      await page.locator('.editor-instance .monaco-editor.focused .view-lines').waitFor({ timeout: patienceMs });
      opened = path.join(workspace, name);
    },
    async goTo(line, column) {
      await openPicker('Control+G', `${line}:${column}`);
      await page.keyboard.press('Enter');
      // The picker moves the cursor before it is closed, and keys go to it until then.
      await picker.waitFor({ state: 'hidden', timeout: patienceMs });
      const place = page.locator('.statusbar-item').filter({ hasText: `Ln ${line}, Col ${column}` });
      await waitOr(place, () => fail(`The cursor did not reach line ${line}, column ${column}.`));
    },
    type: (text, delayMs = 60) => page.keyboard.type(text, { delay: delayMs }),
    async press(key) {
      await page.keyboard.press(key);
      await sleep(settleMs);
    },
    async ghostText(waitMs = patienceMs) {
      const deadline = performance.now() + waitMs;
      for (;;) {
        const text = await readGhost();
        if (text !== undefined && text !== '') return text;
        if (performance.now() > deadline) return fail(`No suggestion came within ${waitMs} ms.`);
        await sleep(30);
      }
    },
    ghostTextNow: readGhost,
    async staysWithoutGhostText(forMs = 1500) {
      let quietSince = performance.now();
      const deadline = quietSince + forMs + patienceMs;
      while (performance.now() - quietSince < forMs) {
        const text = await readGhost();
        if (text !== undefined) quietSince = performance.now();
        if (performance.now() > deadline) return fail(`A suggestion is still shown: ${text}`);
        await sleep(50);
      }
    },
    async runCommand(title) {
      await openPicker('F1', title);
      await clickRow(title);
    },
    async pickerRows() {
      await waitOr(rows.first(), () => fail('No picker is open.'));
      return rows.allInnerTexts();
    },
    pick: clickRow,
    statusItem: readStatus,
    async statusBecomes(expected, waitMs = 30_000) {
      const deadline = performance.now() + waitMs;
      for (;;) {
        if (await status.isVisible()) {
          const { text, label } = await readStatus();
          if (expected.test(text) || expected.test(label)) return;
        }
        if (performance.now() > deadline) return fail(`The status item did not become ${expected}.`);
        await sleep(100);
      }
    },
    clickStatusItem: () => status.click(),
    notifications: readNotifications,
    async notification(expected, waitMs = patienceMs) {
      const deadline = performance.now() + waitMs;
      for (;;) {
        const found = (await readNotifications()).find(({ message }) => expected.test(message));
        if (found !== undefined) return found;
        if (performance.now() > deadline) return fail(`No notification ${expected} came within ${waitMs} ms.`);
        await sleep(100);
      }
    },
    async answerNotification(button) {
      const found = page.locator('.notifications-toasts .monaco-button').filter({ hasText: button }).first();
      await waitOr(found, () => fail(`No notification has a button “${button}”.`));
      await found.click();
    },
    async save() {
      if (opened === undefined) throw new Error('Open a file before saving it.');
      // The tab stops being marked when saving begins; the file tells when it has happened.
      const dirty = (await page.locator('.tab.active.dirty').count()) > 0;
      const before = await stamp(opened);
      await page.keyboard.press('ControlOrMeta+S');
      const deadline = performance.now() + patienceMs;
      while (dirty && (await stamp(opened)) === before) {
        if (performance.now() > deadline) return fail('The file was not saved.');
        await sleep(20);
      }
      await settled(opened);
    },
    async documentText() {
      if (opened === undefined) throw new Error('Open a file before reading its text.');
      await self.save();
      return readFile(opened, 'utf8');
    },
    async screenshot(file) {
      await page.screenshot({ path: file });
    },
    close: () => page.close(),
  };
  return self;
}

async function stamp(file: string): Promise<string> {
  const { mtimeNs, size } = await stat(file, { bigint: true });
  return `${mtimeNs} ${size}`;
}

/** The editor empties a file before it writes it, on a busy machine long before. */
async function settled(file: string): Promise<void> {
  for (let before = ''; ; ) {
    const now = await stamp(file);
    if (now === before) return;
    before = now;
    await sleep(now.endsWith(' 0') ? 1000 : 100);
  }
}

async function waitOr(locator: Locator, otherwise: () => Promise<never>): Promise<void> {
  const came = await locator.waitFor({ timeout: patienceMs }).then(
    () => true,
    () => false,
  );
  if (!came) await otherwise();
}

/**
 * Runs in the page. On the cursor's line a suggestion is one span a token; its further lines are a block of lines below.
 */
function gatherGhostText(elements: Element[]): string[] {
  const outer = elements.filter((element) => element.parentElement?.closest('[class*="ghost-text"]') === null);
  const inline = outer.filter((element) => element.querySelector('.view-line') === null);
  const blocks = outer.filter((element) => element.querySelector('.view-line') !== null);
  const first = inline.map((element) => element.textContent ?? '').join('');
  const further = blocks.flatMap((block) =>
    [...block.querySelectorAll('.view-line')].map((line) => line.textContent ?? ''),
  );
  return outer.length === 0 ? [] : [first, ...further];
}
