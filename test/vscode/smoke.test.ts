import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Editor, openEditor } from './harness/editor.ts';
import { isAlive } from './harness/languageServer.ts';

const samples = fileURLToPath(new URL('../../samples', import.meta.url));

/** What somebody does who has just run `npm start`. */
describe('the sample workspace', () => {
  let editor: Editor;
  beforeAll(async () => {
    editor = await openEditor({ folder: samples });
    await editor.statusBecomes(/ready/i);
  });
  afterAll(() => editor?.close());

  it.each([
    { file: 'garden.js', line: 27, column: 3, typed: 'return ' },
    { file: 'tides.ts', line: 29, column: 5, typed: 'if (' },
    { file: 'recipes.py', line: 27, column: 5, typed: 'return ' },
  ])('completes $file: type, see ghost text, Tab, save', async ({ file, line, column, typed }) => {
    await editor.openFile(file);
    await editor.goTo(line, column);
    await editor.type(typed);
    const suggestion = await editor.ghostText();
    await editor.press('Tab');
    const saved = (await editor.documentText())
      .split('\n')
      .slice(line - 1)
      .join('\n')
      .trimStart();
    expect(saved.startsWith(typed + suggestion)).toBe(true);
  });
});

it('leaves no process behind when it is closed', async () => {
  await using editor = await openEditor({ folder: samples });
  await editor.statusBecomes(/ready/i);
  const pid = await editor.languageServerPid();
  expect(pid).toBeTypeOf('number');
  await editor.close();
  expect(isAlive(pid ?? 0)).toBe(false);
});
