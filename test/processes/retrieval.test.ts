import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { type DefinitionsParams, definitionsRequest } from '#protocol/definitions.ts';
import type { Client } from '../lib/client.ts';
import { tideHelper, tideHidden, tidePackage } from '../lib/tidePackage.ts';
import { ownServer } from './setup.ts';

async function packageOnDisk(files: Readonly<Record<string, string>>) {
  const root = await mkdtemp(join(tmpdir(), 'argot-package-'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const uri = (path: string): string => pathToFileURL(join(root, path)).toString();
  return {
    uri,
    folders: [{ uri: pathToFileURL(root).toString(), name: 'tides' }],
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

async function openApp(client: Client, uri: (path: string) => string) {
  const text = tidePackage['app.js'] ?? '';
  const document = await client.open({ uri: uri('app.js'), languageId: 'javascript', text });
  let cursor = text.indexOf('row by row.\n') + 'row by row.\n'.length + 2;
  return {
    async type(typed: string) {
      await document.edit(cursor, 0, typed);
      cursor += typed.length;
    },
    rest: () => client.cursor(document, cursor),
    async offered() {
      const answer = await client.complete(document, cursor);
      const offered = answer.kind === 'items' ? answer.items[0]?.insertText : undefined;
      return typeof offered === 'string' ? offered : '';
    },
  };
}

/** Until the server has had nothing to do for longer than the pause after which it prepares. */
async function serverRests(client: Client): Promise<void> {
  let [busyMs, since] = [0, performance.now()];
  const deadline = since + 30_000;
  while (performance.now() - since < 1_000) {
    await sleep(100);
    const { cpuMs } = await client.statistics();
    // Timers, and these questions, take a little.
    if (cpuMs > busyMs + 30) [busyMs, since] = [cpuMs, performance.now()];
    if (performance.now() > deadline) throw new Error('The server did not come to rest within 30 s.');
  }
}

test('a helper of another file is completed by its name and arguments, and the trace says why; an excluded file enters no prompt', async () => {
  await using disk = await packageOnDisk(tidePackage);
  await using own = await ownServer();
  const settings = { exclude: ['**/private/**'] };
  await using client = await own.connect({ workspaceFolders: disk.folders, settings });
  await client.statuses.until(({ state, index }) => state === 'ready' && index?.state === 'ready', 20_000);
  const asked: DefinitionsParams[] = [];
  client.connection.onRequest(definitionsRequest, (params) => {
    asked.push(params);
    return { uris: [disk.uri('lib/other.js')] };
  });
  const editor = await openApp(client, disk.uri);
  const prompts: string[] = [];
  const offer = async () => {
    const offered = await editor.offered();
    const trace = await client.lastTrace();
    prompts.push(trace?.prompt ?? '');
    return { offered, trace };
  };
  // As the editor does when the cursor comes to rest at a place.
  await editor.rest();
  await serverRests(client);
  await editor.type('return compare');
  const { offered, trace } = await offer();
  expect(`compare${offered}`).toContain(tideHelper);
  expect(trace?.context).toMatchObject({ decision: 'used' });
  expect(trace?.context?.chunks.map(({ path }) => path)).toContain('lib/tables.js');
  for (const more of ['QuorbHid', ' + unlockTab', ' + guard']) {
    await editor.type(more);
    await editor.rest();
    await offer();
  }
  expect(prompts.join('\n')).toContain('function compareQuorbTables');
  expect(prompts.join('\n')).not.toMatch(tideHidden);

  // The imported name that is used near the cursor, at its import.
  expect(asked).toEqual([{ uri: disk.uri('app.js'), positions: [{ line: 2, character: 8 }] }]);

  // The same without the pattern: it was the pattern that kept the file out.
  await client.configure({ exclude: [] });
  await client.statuses.until(({ index }) => index?.state === 'ready' && index.files === 4, 10_000);
  const text = '// Compares with the keys of the coast guard.\nreturn compareQuorbHid';
  const fresh = await client.open({ uri: disk.uri('fresh.js'), languageId: 'javascript', text });
  await client.cursor(fresh, text.length);
  await serverRests(client);
  await client.complete(fresh, text.length);
  prompts.push((await client.lastTrace())?.prompt ?? '');
  expect(prompts.at(-1)).toMatch(/unlockTables/);
});
