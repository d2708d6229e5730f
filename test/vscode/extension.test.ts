import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, connect } from '../lib/client.ts';
import { type Editor, openEditor } from './harness/editor.ts';
import { settledGhost, waitUntil } from './waits.ts';

/** Files that even the smallest model knows how to go on with. */
const files = {
  'colours.js': [
    "const red = 'red';",
    "const green = 'green';",
    "const blue = 'blue';",
    "const orange = 'orange';",
    '',
    '',
  ].join('\n'),
  'shades.ts': [
    "export const red: string = 'red';",
    "export const green: string = 'green';",
    "export const blue: string = 'blue';",
    "export const orange: string = 'orange';",
    '',
    '',
  ].join('\n'),
  'days.py': [
    'monday = "monday"',
    'tuesday = "tuesday"',
    'wednesday = "wednesday"',
    'thursday = "thursday"',
    '',
    '',
  ].join('\n'),
  'mean.js': 'function mean(list) {\n  const total = sum(list);\n  return total / list.length;\n}\n\n',
  'windows.js': ["const red = 'red';", "const green = 'green';", "const blue = 'blue';", '', ''].join('\r\n'),
};

let editor: Editor;
/** Sees what the server counts; it is one more window to it. */
let observer: Client;

beforeAll(async () => {
  editor = await openEditor({ files });
  await editor.statusBecomes(/Ready/, 20_000);
  observer = await connect({ address: `${editor.home}/run/server.sock` });
});
afterAll(async () => {
  await observer?.[Symbol.asyncDispose]();
  await editor?.close();
});

async function signals(): Promise<Readonly<Record<string, number>>> {
  return (await observer.statistics()).signals;
}

/** Runs an action and waits until the server has counted exactly these signals more. */
async function expectSignals(more: Readonly<Record<string, number>>, action: () => Promise<unknown>): Promise<void> {
  const before = await signals();
  await action();
  const gained = async () => {
    const now = await signals();
    return Object.fromEntries(Object.keys(more).map((kind) => [kind, (now[kind] ?? 0) - (before[kind] ?? 0)]));
  };
  await waitUntil(async () => JSON.stringify(await gained()) === JSON.stringify(more), 4000).catch(() => undefined);
  expect(await gained()).toEqual(more);
}

/** Goes to a file's last line and takes away what an earlier test (or its failed try) left there. */
async function emptyLine(file: string, line: number): Promise<void> {
  await editor.openFile(file);
  await editor.press('Escape');
  await editor.goTo(line, 1);
  await editor.press('Control+Shift+End');
  await editor.press('Delete');
}

/** Begins the line, and waits for what is suggested. */
async function begin(file: string, line: number, text: string): Promise<string> {
  await emptyLine(file, line);
  await editor.type(text);
  return settledGhost(editor);
}

describe('a developer types', () => {
  it.each([
    ['colours.js', 6, 'const purple', /^const purple = 'purple';?$/],
    ['shades.ts', 6, 'export const purple', /^export const purple: string = 'purple';?$/],
    ['days.py', 6, 'friday', /^friday = "friday"$/],
  ])('and takes a suggestion with Tab in %s', async (file, line, typed, expected) => {
    const ghost = await begin(file, line, typed);
    expect(typed + ghost).toMatch(expected);
    await expectSignals({ accepted: 1, rejected: 0 }, () => editor.press('Tab'));
    expect(await editor.ghostTextNow()).not.toBe(ghost);
    expect((await editor.documentText()).split('\n').at(-1)).toBe(typed + ghost);
  });

  it('and takes it word by word with Ctrl+Right, then the rest', async () => {
    const ghost = await begin('colours.js', 6, 'const yellow');
    await expectSignals({ acceptedPart: 1, accepted: 0 }, () => editor.press('Control+ArrowRight'));
    const rest = await settledGhost(editor);
    expect(rest.length).toBeLessThan(ghost.length);
    expect(ghost.endsWith(rest)).toBe(true);
    await expectSignals({ acceptedPart: 0, accepted: 1 }, () => editor.press('Tab'));
    expect((await editor.documentText()).split('\n').at(-1)).toBe(`const yellow${ghost}`);
  });

  it('and dismisses it with Escape', async () => {
    await begin('colours.js', 6, 'const brown');
    await expectSignals({ rejected: 1, accepted: 0 }, () => editor.press('Escape'));
    await editor.staysWithoutGhostText(1000);
    expect((await editor.documentText()).split('\n').at(-1)).toBe('const brown');
  });

  it('and takes it back with undo', async () => {
    const ghost = await begin('colours.js', 6, 'const grey');
    await editor.press('Tab');
    expect((await editor.documentText()).split('\n').at(-1)).toBe(`const grey${ghost}`);
    await expectSignals({ undone: 1 }, () => editor.press('Control+z'));
    expect(await editor.documentText()).not.toContain(ghost);
  });

  it('and types through it, with no call of the model', async () => {
    const ghost = await begin('colours.js', 6, 'const white');
    const before = await observer.statistics();
    await expectSignals({ typedThrough: 4, rejected: 0, accepted: 0 }, () => editor.type(ghost.slice(0, 4)));
    expect(await settledGhost(editor)).toBe(ghost.slice(4));
    expect((await observer.statistics()).modelCalls).toBe(before.modelCalls);
  });

  it('and types something else', async () => {
    await begin('colours.js', 6, 'const black');
    await expectSignals({ rejected: 1, typedThrough: 0 }, () => editor.type('5'));
  });

  it('and sees a block grow that was offered with its first line', async () => {
    const ghost = await begin('mean.js', 6, 'function average(list) {');
    expect(ghost).toMatch(/const total = sum\(list\);\s*return total \/ list\.length;/);
    await expectSignals({ accepted: 1, rejected: 0 }, () => editor.press('Tab'));
    expect(await editor.documentText()).toMatch(
      /function average\(list\) \{\n {2}const total = sum\(list\);\n {2}return total \/ list\.length;\n\}\s*$/,
    );
  });

  it('in a file with the line ends of Windows, which it keeps', async () => {
    const ghost = await begin('windows.js', 5, 'const purple');
    await expectSignals({ accepted: 1 }, () => editor.press('Tab'));
    const text = await editor.documentText();
    expect(text.endsWith(`\r\nconst purple${ghost}`)).toBe(true);
    expect(text.replaceAll('\r\n', '')).not.toContain('\n');
  });

  it('with two cursors, and takes the suggestion at both', async () => {
    await editor.openFile('colours.js');
    await editor.goTo(5, 1);
    await editor.press('Control+Shift+End');
    await editor.press('Enter');
    await editor.press('ArrowUp');
    await editor.press('Shift+Alt+ArrowDown');
    await editor.type('const pink');
    await settledGhost(editor);
    await expectSignals({ accepted: 1, rejected: 0 }, () => editor.press('Tab'));
    const [first, second, ...more] = (await editor.documentText()).split('\n').slice(4);
    expect(first).toMatch(/^const pink = 'pink';?$/);
    expect(second).toBe(first);
    expect(more).toEqual([]);
  });
});

describe('a developer asks', () => {
  it('for the menu and the model list', async () => {
    await editor.clickStatusItem();
    expect((await editor.pickerRows()).join('\n')).toMatch(/Choose model[\s\S]*Why no suggestion[\s\S]*Snooze for 5/);
    await editor.pick('chip');
    await waitUntil(async () => /MB|GB/.test((await editor.pickerRows()).join('\n')));
    expect((await editor.pickerRows()).join('\n')).toMatch(/98 MB, Apache-2\.0[\s\S]*In use[\s\S]*Import a model file/);
    await editor.press('Escape');
  });

  it('what the model was asked', async () => {
    await begin('colours.js', 6, 'const cyan');
    await editor.runCommand('Argot: Show Last Completion');
    await editor.page.locator('.tab.active').filter({ hasText: 'Last Completion.md' }).waitFor();
    await editor.press('Control+End');
    // Where other files' functions are in it, the prompt is longer than a page.
    const heading = editor.page.getByText('Prompt as sent').first();
    await waitUntil(async () => {
      if (await heading.isVisible()) return true;
      await editor.press('PageUp');
      return false;
    });
    await editor.press('Control+F4');
  });
});

describe('a developer switches it off', () => {
  it('for a language, and asks why there is no suggestion, and on again', async () => {
    await editor.openFile('days.py');
    await editor.runCommand('Argot: Toggle for This Language');
    await editor.statusBecomes(/switched off for this language/);
    await editor.press('Control+End');
    await editor.type('saturday');
    await editor.staysWithoutGhostText(1500);
    await editor.runCommand('Argot: Why No Suggestion?');
    expect((await editor.notification(/switched off for this language/)).buttons).toContain('Open Settings');
    await editor.page.keyboard.press('Escape');
    await editor.openFile('colours.js');
    await editor.statusBecomes(/Ready/);
    await editor.openFile('days.py');
    await editor.runCommand('Argot: Toggle for This Language');
    await editor.statusBecomes(/Ready/);
    await editor.type(' ');
    expect(await editor.ghostText()).not.toBe('');
  });

  it('for a while', async () => {
    await emptyLine('colours.js', 6);
    await editor.runCommand('Argot: Snooze');
    await editor.pick('bell-slash');
    await editor.statusBecomes(/Snoozed until/);
    await editor.press('Control+End');
    await editor.type('const snow');
    await editor.staysWithoutGhostText(1500);
    await editor.runCommand('Argot: Snooze');
    await editor.pick('play');
    await editor.statusBecomes(/Ready/);
    await editor.type(' ');
    expect(await editor.ghostText()).not.toBe('');
  });
});
