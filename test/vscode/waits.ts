import { setTimeout as sleep } from 'node:timers/promises';
import type { EditorWindow } from './harness/window.ts';

/** Waits until something holds that no event tells. */
export async function waitUntil(holds: () => Promise<boolean> | boolean, patienceMs = 10_000): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`It did not come to hold within ${patienceMs} ms.`);
    await sleep(50);
  }
}

/** The suggestion for what has been typed, not one that is about to be replaced. */
export async function settledGhost(window: EditorWindow, stillMs = 700): Promise<string> {
  const deadline = performance.now() + 30_000;
  let text = '';
  let since = performance.now();
  while (text === '' || performance.now() - since < stillMs) {
    await sleep(50);
    const now = (await window.ghostTextNow()) ?? '';
    if (now !== text) {
      text = now;
      since = performance.now();
    }
    if (performance.now() > deadline) throw new Error(`No suggestion came to stay. ${await whyNot(window)}`);
  }
  return text;
}

/** What the extension itself says, so that a failed test tells it. */
async function whyNot(window: EditorWindow): Promise<string> {
  await window.runCommand('Argot: Why No Suggestion?');
  const { message } = await window.notification(/Argot/);
  await window.runCommand('Notifications: Clear All Notifications');
  return message;
}
