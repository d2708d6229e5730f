import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { learningStateRequest } from '#protocol/learningRuns.ts';
import { openUserStore } from '../../language-server/src/store/userStore.ts';
import { type Client, connect } from '../lib/client.ts';
import { habitualExamples } from '../lib/examples.ts';
import { trainerHost } from '../lib/learning.ts';
import { type Editor, openEditor } from './harness/editor.ts';
import { waitUntil } from './waits.ts';

const host = trainerHost();
if ('missing' in host) console.warn(host.missing);

let editor: Editor;
let observer: Client;

/** As if the developer had worked for a day already. */
async function store(home: string): Promise<void> {
  await using user = await openUserStore(home, new AbortController().signal);
  for (const example of habitualExamples(14)) expect(await user.store.add(example)).toEqual({ kind: 'added' });
}

describe.skipIf('missing' in host)('learning in the editor', () => {
  beforeAll(async () => {
    editor = await openEditor({
      files: { 'a.js': 'const a = 1;\n' },
      prepareHome: store,
      env: {
        ARGOT_TRAINING: JSON.stringify({
          sequence: 128,
          learningRate: 0.002,
          idleMs: 1e9,
          lowPriority: false,
          probeTokens: 500,
        }),
      },
    });
    observer = await connect({ address: `${editor.home}/run/server.sock` });
    await editor.statusBecomes(/Ready/);
  });
  afterAll(async () => {
    await observer?.[Symbol.asyncDispose]();
    await editor?.close();
  });

  const state = () => observer.connection.sendRequest(learningStateRequest, null);

  it('trains now, uses what the gate passed, shows its card, and rolls it back', async () => {
    await editor.runCommand('Argot: Train Now');
    const told = await editor.notification(/learnt from your code/i, 90_000);
    expect(told.message).toMatch(/[\d.]+ % better on your newest 4 examples \(at least [\d.]+ %\)/);
    const [version, ...others] = (await state()).versions;
    expect(others).toEqual([]);
    expect(version).toMatchObject({ kind: 'personal', origin: 'trained', verdict: 'better', fits: true, examples: 10 });
    expect(version?.scale).toBeGreaterThan(0);
    // The data of the run are the developer's code.
    expect(await readdir(join(editor.home, 'training')).catch(() => [])).toEqual([]);

    await editor.runCommand('Notifications: Clear All Notifications');
    await editor.runCommand('Argot: Adapters…');
    await waitUntil(async () => /Personal/.test((await editor.pickerRows())[0] ?? ''));
    const [row] = await editor.pickerRows();
    expect(row).toMatch(/in use at/);
    expect(row).toMatch(/10 examples/);
    await editor.press('Escape');

    await editor.runCommand('Argot: Roll Back Adapter');
    await editor.notification(/Rolled back/);
    const [after] = (await state()).versions;
    expect(after).toMatchObject({ id: version?.id });
    expect(after?.scale).toBeUndefined();
  });
});
