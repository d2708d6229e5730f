import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Editor, openEditor } from './harness/editor.ts';
import { settledGhost } from './waits.ts';

// Takes the pictures of the walkthrough and the README in the real editor, with the real model.

const repository = fileURLToPath(new URL('../..', import.meta.url));
const drawnAfterMs = 800;

const settings = {
  'breadcrumbs.enabled': false,
  'editor.fontSize': 15,
  'editor.minimap.enabled': false,
  'editor.parameterHints.enabled': false,
  'typescript.disableAutomaticTypeAcquisition': true,
  'workbench.activityBar.location': 'hidden',
  'workbench.layoutControl.enabled': false,
  'workbench.sideBar.location': 'right',
  'window.commandCenter': false,
};

async function take(editor: Editor, name: string): Promise<void> {
  await sleep(drawnAfterMs);
  const file = path.join('media', 'walkthrough', `${name}.png`);
  await editor.screenshot(path.join(repository, file));
  console.log(file);
}

await using editor = await openEditor({ folder: path.join(repository, 'samples'), settings });
await editor.page.setViewportSize({ width: 900, height: 560 });
await editor.press('Control+b');
await editor.openFile('garden.js');
await editor.statusBecomes(/Ready/);
await editor.goTo(27, 3);
await editor.type('return beds.filter(');
await settledGhost(editor);
await take(editor, 'type');

await editor.press('Control+ArrowRight');
await editor.press('Control+ArrowRight');
await settledGhost(editor);
await take(editor, 'take');

await editor.runCommand('Argot: Choose Model');
// A resting mouse would have its tooltip in the picture.
await editor.page.mouse.move(100, 500);
await editor.pickerRows();
await take(editor, 'model');
await editor.press('Escape');

await editor.clickStatusItem();
await editor.page.mouse.move(100, 500);
await editor.pickerRows();
await take(editor, 'control');
