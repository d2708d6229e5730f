import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { dashboardHome } from './dashboardHome.ts';
import { openEditor } from './harness/editor.ts';

// Takes the picture of the dashboard in the real editor, with made-up figures (dashboardHome.ts).

const repository = fileURLToPath(new URL('../..', import.meta.url));
const drawnAfterMs = 1500;

const settings = {
  'argot.policy': { epsilonPerYear: 6 },
  'workbench.activityBar.location': 'hidden',
  'workbench.layoutControl.enabled': false,
  'workbench.colorTheme': 'Light Modern',
  'window.commandCenter': false,
};

await using editor = await openEditor({
  folder: path.join(repository, 'samples'),
  settings,
  prepareHome: dashboardHome,
});
await editor.page.setViewportSize({ width: 1000, height: 1150 });
await editor.statusBecomes(/Ready/);
await editor.press('Control+b');
await editor.runCommand('Argot: Show Dashboard');
const page = editor.page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
await page.locator('#left-chart canvas').waitFor({ timeout: 20_000 });
await sleep(drawnAfterMs);
const file = path.join('media', 'dashboard.png');
await editor.screenshot(path.join(repository, file));
console.log(file);
