import { chmod, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeLine, protocolVersion } from '#protocol/handshake.ts';
import { join } from '../lib/handshake.ts';
import { addressOf, startServer } from '../lib/server.ts';
import { atCursor, javascript, modelPath, ownServer, sharedServer, until } from './setup.ts';

async function offered(client: Awaited<ReturnType<Awaited<ReturnType<typeof ownServer>>['connect']>>) {
  const { text, offset } = atCursor(javascript);
  const document = await client.open({ uri: 'file:///w/a.js', languageId: 'javascript', text });
  const answer = await client.complete(document, offset);
  return answer.kind === 'items' ? answer.items[0]?.insertText : undefined;
}

test('a second server finds the place taken and leaves', async () => {
  await using own = await ownServer({ models: [] });
  await using client = await own.connect();
  const rivals = await Promise.all([1, 2, 3].map(() => startServer({ home: own.home })));
  for (const rival of rivals) await rival.exited();
  await using another = await own.connect();
  expect([client.greeting.pid, another.greeting.pid]).toEqual([own.server.pid, own.server.pid]);
});

test('of servers that start at once over a dead socket, one remains', async () => {
  await using own = await ownServer({ models: [] });
  await (await own.connect())[Symbol.asyncDispose]();
  own.server.kill('SIGKILL');
  await own.server.exited();
  const rivals = await Promise.all([1, 2, 3, 4].map(() => startServer({ home: own.home })));
  try {
    await until('three of four servers left', () => rivals.filter((rival) => rival.ended() !== undefined).length === 3);
    const { greeting, socket } = await join({ address: addressOf(own.home) });
    socket.destroy();
    expect(rivals.find((rival) => rival.ended() === undefined)?.pid).toBe(greeting.pid);
  } finally {
    for (const rival of rivals) await rival[Symbol.asyncDispose]();
  }
});

test('it outlives a window and leaves when the last one is gone for a while', async () => {
  await using own = await ownServer({ models: [], env: { ARGOT_IDLE_MS: '400' } });
  const first = await own.connect();
  const second = await own.connect();
  await first[Symbol.asyncDispose]();
  await new Promise((resolve) => setTimeout(resolve, 800));
  expect(own.server.ended()).toBeUndefined();
  await second[Symbol.asyncDispose]();
  await until('the server left', () => own.server.ended() !== undefined, 5_000);
  expect(own.server.ended()).toBe('exit code 0');
});

test('a newer version asks it to drain, and takes its place', async () => {
  await using own = await ownServer({ models: [] });
  const client = await own.connect();
  const { socket } = await join({ address: addressOf(own.home), reply: 'drain', version: '99.0.0' });
  await until('the old server left', () => own.server.ended() !== undefined);
  await client.closed();
  socket.destroy();
  await using successor = await startServer({ home: own.home });
  const joined = await join({ address: addressOf(own.home), patienceMs: 5_000 });
  joined.socket.destroy();
  expect(joined.greeting.pid).toBe(successor.pid);
});

test('a killed server leaves nothing that stops the next one', async () => {
  await using own = await ownServer();
  const client = await own.connect();
  expect(await offered(client)).toBeTruthy();
  own.server.kill('SIGKILL');
  await own.server.exited();
  await using next = await startServer({ home: own.home });
  const { greeting, socket } = await join({ address: addressOf(own.home) });
  socket.destroy();
  expect(greeting.pid).toBe(next.pid);
});

test('a socket folder that others may enter is refused with what to do', async () => {
  const home = await mkdtemp(joinPath(tmpdir(), 'argot-'));
  await mkdir(joinPath(home, 'run'), { mode: 0o755 });
  await chmod(joinPath(home, 'run'), 0o755);
  await using server = await startServer({ home });
  await server.exited();
  expect(server.ended()).toBe('exit code 1');
  expect(await server.output()).toContain(`chmod 700 "${joinPath(home, 'run')}"`);
});

test('a foreign program on the socket is left alone', async () => {
  const home = await mkdtemp(joinPath(tmpdir(), 'argot-'));
  await mkdir(joinPath(home, 'run'), { mode: 0o700 });
  const foreign = createServer((socket) => socket.on('error', () => undefined).end('220 mail\r\n')).listen(
    addressOf(home),
  );
  await using server = await startServer({ home });
  await server.exited();
  expect(foreign.listening).toBe(true);
  foreign.close();
});

test('a home that cannot be written to still completes code', async () => {
  await using own = await ownServer();
  await (await own.connect())[Symbol.asyncDispose]();
  const home = await mkdtemp(joinPath(tmpdir(), 'argot-'));
  await mkdir(joinPath(home, 'run'), { mode: 0o700 });
  await mkdir(joinPath(home, 'models'), { mode: 0o700 });
  await symlink(modelPath(), joinPath(home, 'models', 'SmolLM2-135M-Instruct.Q4_1.gguf'));
  await chmod(joinPath(home, 'models'), 0o500);
  await using server = await startServer({ home });
  const { connectTo } = await import('../lib/client.ts');
  await using client = await connectTo(server);
  expect(await offered(client)).toBeTruthy();
  await chmod(joinPath(home, 'models'), 0o700);
});

test.each([
  ['a file that is no model', Buffer.from('this is not a model'), 'modelNotGguf'],
  ['a truncated model', undefined, 'modelTruncated'],
])('%s gives one clear problem, and the last good model stays', async (_, content, code) => {
  await using own = await ownServer();
  await using client = await own.connect();
  expect(await offered(client)).toBeTruthy();
  const path = joinPath(own.home, 'broken.gguf');
  await writeFile(path, content ?? (await readFile(modelPath())).subarray(0, 50_000_000));
  await client.configure({ model: path });
  await client.statuses.until((status) => status.problem?.code === code);
  expect(client.statuses.last()?.model?.name).toContain('SmolLM2');
  expect(client.statuses.last()?.problem?.message).toContain(path);
  const { text, offset } = atCursor(javascript.replace('readJson', 'loadJson'));
  const document = await client.open({ uri: 'file:///w/c.js', languageId: 'javascript', text });
  expect((await client.complete(document, offset)).kind).toBe('items');
});

test('no model: the status says so once, with a remedy', async () => {
  await using own = await ownServer({ models: [] });
  await using client = await own.connect();
  const status = await client.statuses.until((each) => each.problem?.code === 'noModel');
  expect(status.problem?.remedy?.command).toBe('argot.downloadDefaultModel');
  expect(await offered(client)).toBeUndefined();
  expect((await client.lastTrace())?.reason).toBe('noModel');
});

test('a model that is chosen and then written into the settings is loaded once', async () => {
  await using own = await ownServer();
  await using client = await own.connect({ settings: { threads: 1 } });
  expect(await offered(client)).toBeTruthy();
  await client.configure({ model: 'no-such-model', threads: 1 });
  await client.statuses.until((status) => status.problem?.code === 'unknownModel');
  expect(await client.useModel('smollm2-135m')).toEqual({ ok: true, id: 'smollm2-135m' });
  await client.configure({ model: 'smollm2-135m', threads: 1 });
  expect(await offered(client)).toBeTruthy();
  expect((await own.server.output()).match(/is loaded/g)).toHaveLength(1);
  await client.configure({ model: 'smollm2-135m', threads: 2 });
  await until(
    'it is loaded for two threads',
    async () => (await own.server.output()).match(/is loaded/g)?.length === 2,
  );
});

describe('a server goes on', () => {
  const shared = sharedServer();

  test.each([
    ['no handshake at all', 'GET / HTTP/1.1\r\n\r\n'],
    ['bytes that are no text', '\u0000\u0001\u0002\n'],
    ['a line without end', 'x'.repeat(10_000)],
    [
      'LSP that is none',
      `${encodeLine({ argot: 'join', protocol: protocolVersion, version: '0.1.0' })}Content-Length: abc\r\n\r\n{]`,
    ],
    [
      'a request that ends half-way',
      `${encodeLine({ argot: 'join', protocol: protocolVersion, version: '0.1.0' })}Content-Length: 5000\r\n\r\n{"jsonrpc"`,
    ],
  ])('rubbish on the socket costs only its own connection: %s', async (_, rubbish) => {
    await using good = await shared.connect();
    const socket = createConnection(shared.address());
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.write(rubbish);
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.destroy();
    expect(await offered(good)).toBeTruthy();
    await until('only one window is left', async () => (await good.statistics()).clients === 1);
  });

  test('wrong parameters are refused by name, and the window goes on', async () => {
    await using client = await shared.connect();
    await client.connection.sendNotification('argot/cursor', { uri: 7 });
    await client.connection.sendNotification('argot/signal', { kind: 'made up' });
    await client.connection.sendNotification('textDocument/didChange', { textDocument: null });
    await expect(client.connection.sendRequest('textDocument/inlineCompletion', { nothing: true })).rejects.toThrow();
    expect(await offered(client)).toBeTruthy();
  });

  test('a window that vanishes in mid request does not disturb the other', async () => {
    await using good = await shared.connect();
    const vanishing = await shared.connect();
    const { text, offset } = atCursor(javascript);
    const document = await vanishing.open({ uri: 'file:///w/b.js', languageId: 'javascript', text: text.repeat(20) });
    void vanishing.complete(document, offset).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
    vanishing.connection.end();
    vanishing.connection.dispose();
    expect(await offered(good)).toBeTruthy();
  });

  test('a thousand requests a second are answered by the last one', async () => {
    await using client = await shared.connect();
    const { text, offset } = atCursor(javascript);
    const document = await client.open({ uri: 'file:///w/a.js', languageId: 'javascript', text });
    await client.complete(document, offset);
    const before = await client.statistics();
    let cursor = offset;
    const answers: Promise<unknown>[] = [];
    for (let i = 0; i < 1000; i++) {
      await document.edit(cursor, 0, i % 2 === 0 ? 'q' : '(');
      cursor++;
      answers.push(client.complete(document, cursor));
    }
    await Promise.all(answers);
    const after = await client.statistics();
    expect(after.requests - before.requests).toBe(1000);
    expect(after.modelCalls - before.modelCalls).toBeLessThan(500);
    expect(shared.ended()).toBeUndefined();
  });

  test('settings of the wrong type are named, and the rest counts', async () => {
    await using client = await shared.connect({ settings: { threads: 'many', multiline: 'never' } });
    const status = await client.statuses.until((each) => each.problem?.code === 'settings');
    expect(status.problem?.message).toContain('argot.threads');
    expect(await offered(client)).toBeTruthy();
  });

  test.each([
    ['no-such-model', 'unknownModel'],
    ['/nowhere/model.gguf', 'modelFileMissing'],
  ])('the model %s is not found, and that is said', async (model, code) => {
    await using client = await shared.connect({ settings: { model } });
    const status = await client.statuses.until((each) => each.problem?.code === code);
    expect(status.problem?.message).toContain(model);
  });

  test('two windows share one process and one model', async () => {
    await using first = await shared.connect();
    await using second = await shared.connect();
    expect(await offered(first)).toBeTruthy();
    expect(await offered(second)).toBeTruthy();
    const statistics = await second.statistics();
    expect(statistics).toMatchObject({ clients: 2, modelsInMemory: 1 });
    expect(first.greeting.pid).toBe(second.greeting.pid);
  });

  test('a window that joins when the model is loaded already is told so', async () => {
    await using first = await shared.connect();
    await first.statuses.until((status) => status.state === 'ready');
    await using second = await shared.connect();
    await second.statuses.until((status) => status.state === 'ready', 2_000);
  });
});
