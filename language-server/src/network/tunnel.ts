import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connect as connectSecurely } from 'node:tls';
import type { Purpose } from '../policy/actions.ts';
import { mayUse } from '../policy/decisions.ts';
import { PolicyForbids, type PolicyService, permittedWhile } from '../policy/policyService.ts';
import { chosenProxies, type NetworkOptions } from './connection.ts';
import type { LeftLedger } from './leftLedger.ts';
import type { Network, OutboundRequest } from './outbound.ts';

/** A proxy for one child process, for as long as it is not disposed. */
export interface Tunnel extends AsyncDisposable {
  /** With a password that only the child gets, since anybody on this machine may connect. */
  readonly proxy: string;
  /** Aborts with the first `PolicyForbids`, which the child could only report as a failed connection. */
  readonly signal: AbortSignal;
}

interface Way {
  readonly policy: PolicyService;
  readonly ledger: LeftLedger;
  readonly network: Network;
  readonly options: NetworkOptions;
}

export async function openTunnel(way: Way, purpose: Purpose, about: string): Promise<Tunnel> {
  const password = randomBytes(24).toString('hex');
  const expected = `Basic ${Buffer.from(`argot:${password}`).toString('base64')}`;
  const network = mayUse(way.policy.effective(), 'network');
  if (!network.permitted) throw new PolicyForbids(network.refusal);
  const over = new AbortController();
  const note = (error: unknown): void => {
    if (error instanceof PolicyForbids) over.abort(error);
  };
  const admits = ({ headers }: IncomingMessage): boolean => isEqual(headers['proxy-authorization'] ?? '', expected);

  const server = createServer((incoming, outgoing) => {
    if (!admits(incoming)) return void outgoing.writeHead(407).end();
    forward(way, purpose, about, incoming, outgoing, over.signal).catch((error: unknown) => {
      note(error);
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(502).end();
    });
  });
  server.on('connect', (incoming, client: Duplex) => {
    client.on('error', () => client.destroy());
    if (!admits(incoming)) return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    join(way, purpose, about, incoming.url ?? '', client, over.signal).catch((error: unknown) => {
      note(error);
      client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    proxy: `http://argot:${password}@127.0.0.1:${port}`,
    signal: over.signal,
    async [Symbol.asyncDispose]() {
      over.abort();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Plain HTTP: a request like our own. */
async function forward(
  { network }: Way,
  purpose: Purpose,
  about: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { method } = incoming;
  if (method !== 'GET' && method !== 'HEAD') return void outgoing.writeHead(405).end();
  const kept = Object.entries(incoming.headers).filter(([name]) => !hopByHop.has(name));
  const headers = Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
  const request: OutboundRequest = { method, url: incoming.url ?? '', headers, purpose, about };
  const answer = await network.send(request, signal);
  outgoing.writeHead(answer.status, definedOnly(answer.headers));
  await pipeline(answer.body, outgoing);
}

const hopByHop: ReadonlySet<string> = new Set(['host', 'connection', 'proxy-authorization', 'proxy-connection']);

/** Everything else: whose bytes pass unread, and are counted when it closes. */
async function join(
  { policy, ledger, options }: Way,
  purpose: Purpose,
  about: string,
  target: string,
  client: Duplex,
  over: AbortSignal,
): Promise<void> {
  const { origin } = new URL(`https://${target}`);
  using permit = permittedWhile(policy, { kind: 'connect', url: origin, purpose }, over);
  permit.signal.throwIfAborted();
  const opened = await ledger.record({ kind: 'tunnel', to: origin, purpose, about });
  permit.signal.throwIfAborted();
  const remote = await reach(target, options, permit.signal);
  const before = remote.bytesWritten;
  try {
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    // Either side may break off; what passed until then is what counts.
    await Promise.race([pipeline(client, remote, client, { signal: permit.signal }), once(client, 'close')]).catch(
      () => undefined,
    );
  } finally {
    client.destroy();
    remote.destroy();
    const bytes = remote.bytesWritten - before;
    await ledger.record({ kind: 'tunnelClosed', to: origin, purpose, about, of: opened.index, bytes });
  }
  permit.signal.throwIfAborted();
}

async function reach(target: string, options: NetworkOptions, signal: AbortSignal): Promise<Socket> {
  const { hostname, port } = new URL(`https://${target}`);
  const proxies = chosenProxies(options);
  const proxy = proxies?.httpsProxy;
  if (!proxy || isExempt(hostname, proxies.noProxy)) {
    return connected(connect({ host: bare(hostname), port: Number(port || 443) }), 'connect', signal);
  }
  const via = new URL(proxy);
  const isSecure = via.protocol === 'https:';
  const place = { host: bare(via.hostname), port: Number(via.port || (isSecure ? 443 : 80)) };
  const socket = isSecure ? connectSecurely({ ...place, servername: via.hostname }) : connect(place);
  await connected(socket, isSecure ? 'secureConnect' : 'connect', signal);
  const name = `${decodeURIComponent(via.username)}:${decodeURIComponent(via.password)}`;
  const authorization = via.username ? `Proxy-Authorization: Basic ${Buffer.from(name).toString('base64')}\r\n` : '';
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`);
  const status = await firstLine(socket, signal);
  if (!/^HTTP\/1\.[01] 200/.test(status)) {
    socket.destroy();
    throw new Error(`The proxy refused: ${status}`);
  }
  return socket;
}

async function connected(socket: Socket, event: string, signal: AbortSignal): Promise<Socket> {
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  await once(socket, event, { signal });
  socket.on('error', () => socket.destroy());
  return socket;
}

/** Reads a proxy's answer and no byte more: what follows is the tunnel's. */
async function firstLine(socket: Socket, signal: AbortSignal): Promise<string> {
  let head = '';
  while (!head.endsWith('\r\n\r\n')) {
    const byte: unknown = socket.read(1);
    if (Buffer.isBuffer(byte)) head += byte.toString('latin1');
    else await once(socket, 'readable', { signal });
    if (head.length > 16_384 || socket.readableEnded) throw new Error('The proxy’s answer makes no sense.');
  }
  return head.split('\r\n')[0] ?? '';
}

/** As curl reads `NO_PROXY`: names, their subdomains, or everything. */
function isExempt(hostname: string, noProxy: string): boolean {
  const names = noProxy.split(/[\s,]+/).filter((name) => name !== '');
  return names.some((name) => {
    const suffix = name.replace(/^\*?\./, '').replace(/:\d+$/, '');
    return name === '*' || hostname === suffix || hostname.endsWith(`.${suffix}`);
  });
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function definedOnly(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
