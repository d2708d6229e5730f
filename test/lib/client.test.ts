import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  InitializedNotification,
  InitializeRequest,
  InlineCompletionRequest,
  LSPErrorCodes,
  ResponseError,
  SocketMessageReader,
  SocketMessageWriter,
} from 'vscode-languageserver-protocol/node';
import { encodeLine, protocolVersion } from '#protocol/handshake.ts';
import { statusNotification } from '#protocol/status.ts';
import { connect } from './client.ts';
import { readLine } from './handshake.ts';
import { createHome } from './server.ts';

const greeting = { argot: 'greeting', protocol: protocolVersion, version: '9.9.9', pid: 1 } as const;
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** Listens in a temporary home and answers every window with `serve`. */
async function listen(serve: (socket: Socket) => unknown): Promise<string> {
  const home = await createHome();
  const address = join(home.path, 's.sock');
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    serve(socket);
  }).listen(address);
  await once(server, 'listening');
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    return home[Symbol.asyncDispose]();
  });
  return address;
}

/** A server that echoes the completion position and never answers a request until it is cancelled where `hang` is set. */
async function speakLsp(socket: Socket, changes: unknown[], hang = false): Promise<void> {
  socket.write(encodeLine(greeting));
  await readLine(socket);
  const connection = createProtocolConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  connection.onRequest(InitializeRequest.type, () => ({ capabilities: {} }));
  connection.onNotification(InitializedNotification.type, () =>
    connection.sendNotification(statusNotification, { state: 'ready', pid: 1, version: '9.9.9' }),
  );
  connection.onNotification(DidChangeTextDocumentNotification.type, (change) => {
    changes.push(change.contentChanges);
  });
  connection.onRequest(InlineCompletionRequest.type, async ({ position }, token) => {
    // A token that was cancelled before its request was handled fires no event.
    if (hang && !token.isCancellationRequested)
      await new Promise<void>((resolve) => token.onCancellationRequested(() => resolve()));
    if (token.isCancellationRequested) return new ResponseError(LSPErrorCodes.RequestCancelled, 'withdrawn');
    return { items: [{ insertText: `${position.line}:${position.character}` }] };
  });
  connection.listen();
  socket.resume();
}

describe('the test client', () => {
  it('shakes hands, follows the status, edits in UTF-16 units and gets items', async () => {
    const changes: unknown[] = [];
    const address = await listen((socket) => speakLsp(socket, changes));
    await using client = await connect({ address });
    expect(client.greeting.version).toBe('9.9.9');
    expect((await client.statuses.until(({ state }) => state === 'ready')).pid).toBe(1);
    const document = await client.open({ uri: 'file:///a.js', languageId: 'javascript', text: 'let a = "🦊";\nb' });
    await document.edit(document.text().length, 0, 'c');
    await document.edit(9, 2, 'x');
    expect(document.text()).toBe('let a = "x";\nbc');
    expect(await client.complete(document, document.text().length)).toEqual({
      kind: 'items',
      items: [{ insertText: '1:2' }],
    });
    expect(changes).toEqual([
      [{ range: { start: { line: 1, character: 1 }, end: { line: 1, character: 1 } }, text: 'c' }],
      [{ range: { start: { line: 0, character: 9 }, end: { line: 0, character: 11 } }, text: 'x' }],
    ]);
  });

  it('gives a withdrawn request as a value', async () => {
    const address = await listen((socket) => speakLsp(socket, [], true));
    await using client = await connect({ address });
    const document = await client.open({ uri: 'file:///a.js', languageId: 'javascript', text: '' });
    const aborting = new AbortController();
    const answer = client.complete(document, 0, { signal: aborting.signal });
    aborting.abort();
    expect(await answer).toEqual({ kind: 'cancelled' });
  });

  it('refuses a foreign process that floods the socket', async () => {
    const address = await listen((socket) => socket.write('x'.repeat(100_000)));
    await expect(connect({ address })).rejects.toThrow('without a newline');
  });

  it('says that nobody listens', async () => {
    const home = await createHome();
    cleanUps.push(() => home[Symbol.asyncDispose]());
    await expect(connect({ address: join(home.path, 'none'), patienceMs: 30 })).rejects.toThrow('Nobody listens');
  });
});
