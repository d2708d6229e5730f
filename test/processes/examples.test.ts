import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import {
  countExamplesRequest,
  deleteExamplesRequest,
  type ExampleSummary,
  exampleDetailsRequest,
  forgetEverythingRequest,
  learnHistoryRequest,
  listExamplesRequest,
  previewHistoryRequest,
} from '#protocol/learning.ts';
import { plantSecrets, seeded } from '../../language-server/src/learning/hygiene/testing/plantedSecrets.ts';
import { type Client, type ConnectOptions, connectTo } from '../lib/client.ts';
import { createHome, type ServerProcess, startServer } from '../lib/server.ts';

/** The server needs no model to learn: signals and edits come from a window as an editor would send them. */
async function start(survivalMs: string) {
  const home = await createHome();
  const project = await mkdtemp(join(tmpdir(), 'argot-project-'));
  const server = await startServer({ home: home.path, env: { ARGOT_SURVIVAL_MS: survivalMs } });
  const folder = { uri: pathToFileURL(project).href, name: 'shop' };
  return {
    server,
    home: home.path,
    project,
    connect: (options: Partial<ConnectOptions> = {}) => connectTo(server, { workspaceFolders: [folder], ...options }),
    async open(client: Client, name: string, text: string) {
      await writeFile(join(project, name), text);
      return client.open({ uri: `${folder.uri}/${name}`, languageId: 'javascript', text });
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
      await rm(project, { recursive: true, force: true });
    },
  };
}

type Opened = Awaited<ReturnType<Awaited<ReturnType<typeof start>>['open']>>;

async function take(client: Client, document: Opened, after: string, text: string, itemId: string): Promise<void> {
  await document.edit(document.text().indexOf(after) + after.length, 0, text);
  await client.signal({ kind: 'accepted', itemId, uri: document.uri, version: document.version(), text });
}

const list = (client: Client, search = '') =>
  client.connection.sendRequest(listExamplesRequest, { filter: { search }, offset: 0, limit: 1000 });

async function untilListed(client: Client, count: number): Promise<readonly ExampleSummary[]> {
  await expect.poll(async () => (await list(client)).length, { timeout: 10_000 }).toBe(count);
  return list(client);
}

/** Files below a folder that hold any of these words. */
async function filesWith(folder: string, words: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name);
    if (!(await stat(path).catch(() => undefined))?.isFile()) continue;
    const bytes = await readFile(path);
    if (words.some((word) => bytes.includes(word))) found.push(name);
  }
  return found;
}

test('what was kept, corrected, typed instead and undone is stored with its kind', async () => {
  await using own = await start('150,300');
  await using client = await own.connect();
  const document = await own.open(
    client,
    'a.js',
    'const kept = ;\nconst corrected = ;\nconst typed = ;\nconst undone = ;\n',
  );
  await take(client, document, 'const kept = ', 'sum(prices)', '1');
  await take(client, document, 'const corrected = ', 'total(costs)', '2');
  await document.edit(document.text().indexOf('costs'), 5, 'costs.net');
  const typed = 'const typed = ';
  await document.edit(document.text().indexOf(typed) + typed.length, 0, 'q');
  const about = { uri: document.uri, version: document.version() };
  await client.signal({ kind: 'rejected', itemId: '3', how: 'typedInstead', text: 'q', ...about });
  await document.edit(document.text().indexOf('= q') + 3, 0, 'uantity');
  await take(client, document, 'const undone = ', 'wrong(1)', '4');
  await document.edit(document.text().indexOf('wrong(1)'), 8, '');
  await client.signal({ kind: 'undone', itemId: '4', uri: document.uri, version: document.version() });
  await document.edit(document.text().indexOf('undone = ') + 9, 0, 'right(2)');
  const examples = await untilListed(client, 4);
  expect(Object.fromEntries(examples.map(({ kind, firstLine }) => [kind, firstLine]))).toEqual({
    accepted: 'const kept = sum(prices)',
    corrected: 'const corrected = total(costs.net)',
    typedInstead: 'const typed = quantity',
    undone: 'const undone = right(2)',
  });
  const details = await client.connection.sendRequest(exampleDetailsRequest, { id: examples[0]?.id ?? '' });
  expect(details?.text).toContain('const kept = sum(prices);');
  const counts = await client.connection.sendRequest(countExamplesRequest, {});
  expect(counts).toMatchObject({ total: 4, byKind: { corrected: 1 } });
});

test('a server that is asked to end stores what its windows had not told yet', async () => {
  await using own = await start('600000');
  const ended = await own.connect();
  const document = await own.open(ended, 'a.js', 'const kept = ;\n');
  await take(ended, document, 'const kept = ', 'sum(prices)', '1');
  await ended.statistics();
  own.server.kill('SIGTERM');
  await own.server.exited();
  await using again: ServerProcess = await startServer({ home: own.home });
  await using client = await connectTo(again);
  expect(await list(client)).toMatchObject([{ kind: 'accepted', firstLine: 'const kept = sum(prices)' }]);
});

test('nothing is learned where it is not trusted, switched off, unwanted, forbidden or excluded', async () => {
  await using own = await start('50');
  const windows = {
    untrusted: { trusted: false },
    off: { settings: { 'learning.enable': false } },
    unwanted: { settings: { 'learning.kinds': ['corrected'] } },
    forbidden: { settings: { policy: { learning: false } } },
    excluded: { settings: { exclude: ['**/excluded.js'] } },
  };
  for (const [name, options] of Object.entries(windows)) {
    await using client = await own.connect(options);
    const document = await own.open(client, `${name}.js`, `const ${name} = ;\n`);
    await take(client, document, `const ${name} = `, `${name}(prices)`, name);
    await sleep(150);
  }
  await using client = await own.connect();
  const document = await own.open(client, 'allowed.js', 'const allowed = ;\n');
  await take(client, document, 'const allowed = ', 'sum(costs)', 'allowed');
  // It is made after the others would have been.
  expect(await untilListed(client, 1)).toMatchObject([{ path: 'allowed.js' }]);
});

test('the developer’s own commits are shown before they are used', async () => {
  await using own = await start('50');
  await using client = await own.connect();
  const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: own.project, stdio: 'ignore' });
  git('init', '-q');
  git('config', 'user.email', 'ada@example.org');
  git('config', 'user.name', 'Ada');
  await writeFile(join(own.project, 'mine.js'), [1, 2, 3, 4, 5].map((i) => `const mine${i} = ${i};\n`).join(''));
  git('add', '-A');
  git('commit', '-q', '-m', 'x');
  const folder = pathToFileURL(own.project).href;
  const looked = await client.connection.sendRequest(previewHistoryRequest, { folder });
  expect(looked).toMatchObject({ ok: true, preview: { email: 'ada@example.org', lines: 5, paths: ['mine.js'] } });
  expect(await list(client)).toEqual([]);
  expect(await client.connection.sendRequest(learnHistoryRequest, { folder })).toEqual({ ok: true, count: 1 });
  expect(await list(client)).toMatchObject([{ kind: 'ownHistory', path: 'mine.js', languageId: 'javascript' }]);
  expect(await client.connection.sendRequest(learnHistoryRequest, { folder })).toEqual({ ok: true, count: 0 });
  await client.configure({ 'learning.enable': false });
  expect(await client.connection.sendRequest(previewHistoryRequest, { folder })).toMatchObject({ ok: false });
});

test('a secret in accepted code reaches no file of Argot, and what is forgotten leaves no trace', async () => {
  await using own = await start('50');
  await using client = await own.connect();
  const secrets = plantSecrets(1, seeded(77)).slice(0, 40);
  for (const [i, { text }] of secrets.entries()) {
    const document = await own.open(client, `secret${i}.js`, `const a${i} = ;\n`);
    await take(client, document, `const a${i} = `, `1;\n${text}`, `secret-${i}`);
  }
  const planted = [1, 2, 3].map((i) => `plantedWord${i}${'x'.repeat(i)}`);
  for (const [i, word] of planted.entries()) {
    const document = await own.open(client, `${word}.js`, `const b${i} = ;\n`);
    await take(client, document, `const b${i} = `, `${word}(${i}, 'of its own')`, `plain-${i}`);
  }
  const examples = await untilListed(client, planted.length);
  // What indexing or a training run would have left there.
  for (const name of ['index/a', 'training/b', 'examples/aside']) {
    await mkdir(join(own.home, name), { recursive: true });
    await writeFile(join(own.home, name, 'rest'), planted.slice(1).join(' '));
  }
  expect(
    await filesWith(
      own.home,
      secrets.map(({ secret }) => secret.split('\n')[0] ?? ''),
    ),
  ).toEqual([]);
  expect(await filesWith(own.home, planted)).not.toEqual([]);

  const [first, ...rest] = planted;
  const unwanted = examples.find(({ path }) => path === `${first}.js`);
  const outcome = await client.connection.sendRequest(deleteExamplesRequest, { ids: [unwanted?.id ?? ''] });
  expect(outcome).toEqual({ ok: true, count: 1 });
  expect(await filesWith(own.home, [first ?? ''])).toEqual([]);
  expect(await list(client, rest[0])).toHaveLength(1);

  expect(await client.connection.sendRequest(forgetEverythingRequest, null)).toEqual({ ok: true, count: 2 });
  expect(await filesWith(own.home, planted)).toEqual([]);
  expect(await list(client)).toEqual([]);
});
