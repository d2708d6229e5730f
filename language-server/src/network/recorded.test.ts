import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, createServer as createNetServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { closed, listening } from '../engine/testing/fileServer.ts';
import { fieldNames } from '../policy/fields.ts';
import { readFields } from '../policy/policyDocument.ts';
import { createLayeredPolicy, PolicyForbids } from '../policy/policyService.ts';
import type { LeftEntry } from './leftLedger.ts';
import type { Network } from './outbound.ts';
import { freeOutbound } from './testing/freeOutbound.ts';

const { signal } = new AbortController();
const about = 'a test';

function admin(fields: Readonly<Record<string, unknown>>) {
  return [{ name: 'admin', limits: readFields(fields, fieldNames).limits }] as const;
}

/** A server that counts the bytes of each connection, and what it was asked. */
async function counting(answer: (request: IncomingMessage) => { status: number; location?: string }) {
  const requests: string[] = [];
  let received = 0;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const { status, location } = answer(request);
    request.resume().on('end', () => response.writeHead(status, location === undefined ? {} : { location }).end('x'));
  });
  server.on('connection', (socket) => socket.on('data', (chunk) => (received += chunk.length)));
  const origin = await listening(server);
  return { origin, requests, received: () => received, [Symbol.asyncDispose]: () => closed(server) };
}

async function opened(policy = createLayeredPolicy(), left: LeftEntry[] = []) {
  const network: Network = await freeOutbound(policy, left).open({ proxy: '', env: {} });
  return { network, policy, left, [Symbol.asyncDispose]: () => network[Symbol.asyncDispose]() };
}

describe('what is sent', () => {
  it.each([
    ['GET', undefined],
    ['POST', undefined],
    ['PUT', Buffer.from('a masked update')],
  ] as const)('is on record to the byte before it leaves: %s', async (method, body) => {
    await using server = await counting(() => ({ status: 200 }));
    await using own = await opened();
    const request = {
      method,
      url: `${server.origin}/a?b=c`,
      purpose: 'federation',
      about,
      ...(body && { body }),
    } as const;
    const answer = await own.network.send(request, signal);
    await answer.body.dump();
    expect(own.left).toEqual([
      {
        kind: 'request',
        to: server.origin,
        method,
        path: '/a',
        purpose: 'federation',
        about,
        bytes: server.received(),
      },
    ]);
  });

  it('is refused before a connection is made, and leaves no entry', async () => {
    await using server = await counting(() => ({ status: 200 }));
    await using own = await opened(createLayeredPolicy(admin({ network: false })));
    const sending = own.network.send({ method: 'GET', url: server.origin, purpose: 'modelDownload', about }, signal);
    await expect(sending).rejects.toThrow(PolicyForbids);
    expect([own.left, server.received()]).toEqual([[], 0]);
  });

  it('does not follow a redirect to where policy does not allow, and sends no body after one', async () => {
    await using other = await counting(() => ({ status: 200 }));
    await using server = await counting(() => ({ status: 302, location: `${other.origin}/elsewhere` }));
    await using own = await opened(createLayeredPolicy(admin({ downloadSources: [server.origin] })));
    const request = { method: 'GET', url: server.origin, purpose: 'modelDownload', about } as const;
    await expect(own.network.send(request, signal)).rejects.toThrow(/downloadSources/);
    const body = Buffer.from('x');
    await expect(own.network.send({ ...request, method: 'POST', body }, signal)).rejects.toThrow(/redirect/);
    expect(other.received()).toBe(0);
  });

  it('ends where policy changes its mind while the answer is read', async () => {
    const sockets: Socket[] = [];
    const slow = createNetServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nbegin');
    });
    const origin = await listening(slow);
    await using own = await opened();
    const answer = await own.network.send({ method: 'GET', url: origin, purpose: 'modelDownload', about }, signal);
    const reading = answer.body.text();
    own.policy.replace(admin({ network: false }));
    await expect(reading).rejects.toThrow(/network/);
    for (const socket of sockets) socket.destroy();
    slow.close();
  });
});

describe('the tunnel for another program', () => {
  async function through(proxy: string, target: string, credentials = true): Promise<Socket> {
    const { hostname, port, username, password } = new URL(proxy);
    const socket = connect(Number(port), hostname);
    const authorization = Buffer.from(`${username}:${password}`).toString('base64');
    socket.write(
      `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${credentials ? `Proxy-Authorization: Basic ${authorization}\r\n` : ''}\r\n`,
    );
    await once(socket, 'readable');
    return socket;
  }
  const head = (socket: Socket): string => String(socket.read() ?? '').split('\r\n')[0] ?? '';

  it('carries bytes both ways, and records how many went', async () => {
    const echo = createNetServer((socket) => void socket.on('error', () => undefined).pipe(socket));
    const target = new URL(await listening(echo)).host;
    await using own = await opened();
    {
      await using tunnel = await own.network.tunnel('modelDownload', 'pip asks for a package');
      const socket = await through(tunnel.proxy, target);
      expect(head(socket)).toBe('HTTP/1.1 200 Connection Established');
      socket.write('hello there');
      await once(socket, 'readable');
      expect(String(socket.read())).toBe('hello there');
      socket.end();
      await once(socket, 'close');
      await expect.poll(() => own.left.length).toBe(2);
    }
    expect(own.left).toMatchObject([
      { kind: 'tunnel', to: `https://${target}` },
      { kind: 'tunnelClosed', of: 0, bytes: 'hello there'.length },
    ]);
    echo.close();
  });

  it('lets nobody in without its password, and nothing out that policy forbids', async () => {
    await using own = await opened(createLayeredPolicy(admin({ downloadSources: ['https://mirror.example'] })));
    await using tunnel = await own.network.tunnel('modelDownload', about);
    expect(head(await through(tunnel.proxy, 'mirror.example:443', false))).toContain('407');
    expect(head(await through(tunnel.proxy, 'elsewhere.example:443'))).toContain('502');
    expect(tunnel.signal.reason).toBeInstanceOf(PolicyForbids);
    expect(own.left).toEqual([]);
  });

  it('is not opened where the network is off', async () => {
    await using own = await opened(createLayeredPolicy(admin({ network: false })));
    await expect(own.network.tunnel('modelDownload', about)).rejects.toThrow(PolicyForbids);
  });
});
