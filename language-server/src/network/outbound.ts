import type { Dispatcher } from 'undici';
import type { Purpose } from '../policy/actions.ts';
import { type PolicyService, permittedWhile } from '../policy/policyService.ts';
import { type NetworkOptions, openPool, usualConnectTimeoutMs, usualSilenceTimeoutMs } from './connection.ts';
import type { LeftLedger } from './leftLedger.ts';
import { BadRedirect } from './networkFault.ts';
import { openTunnel, type Tunnel } from './tunnel.ts';

/** What leaves, and why. */
export interface OutboundRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly purpose: Purpose;
  /** For the developer, in words: “the masked update of round 4 for team Garden”. */
  readonly about: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Read it to its end or destroy it. */
  readonly body: Dispatcher.ResponseData['body'];
  /** The checksum that the hub states for a file before it redirects to its storage; 64 hexadecimal digits. */
  readonly linkedSha256: string | undefined;
}

export interface Network extends AsyncDisposable {
  /**
   * Follows redirects of `GET` and `HEAD`. Throws `PolicyForbids` where policy forbids it, also while the answer is read,
   * `LedgerBroken` where it can't be recorded, and network errors as they are; `networkFault` explains them all.
   */
  send(request: OutboundRequest, signal: AbortSignal): Promise<Answer>;
  /** For another program that has no other way to the network: a proxy on this machine that asks and records likewise. */
  tunnel(purpose: Purpose, about: string): Promise<Tunnel>;
}

/** The one way out of this machine: what does not pass here does not leave (biome.json keeps other calls out). */
export interface Outbound {
  /** Connections that share a proxy and limits. */
  open(options: NetworkOptions): Promise<Network>;
}

const maxRedirects = 10;

export function createOutbound(policy: PolicyService, ledger: LeftLedger): Outbound {
  return {
    async open(options) {
      const pool = await openPool(options);
      const network: Network = {
        send: (request, signal) => send({ policy, ledger, pool, options }, request, signal),
        tunnel: (purpose, about) => openTunnel({ policy, ledger, network, options }, purpose, about),
        [Symbol.asyncDispose]: () => pool.destroy().catch(() => undefined),
      };
      return network;
    },
  };
}

interface Way {
  readonly policy: PolicyService;
  readonly ledger: LeftLedger;
  readonly pool: Dispatcher;
  readonly options: NetworkOptions;
}

async function send(way: Way, request: OutboundRequest, signal: AbortSignal): Promise<Answer> {
  let address = new URL(request.url);
  let linkedSha256: string | undefined;
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const { statusCode, headers: received, body } = await sendOnce(way, request, address, signal);
    const headers = Object.fromEntries(Object.entries(received).map(([name, value]) => [name, first(value)]));
    linkedSha256 ??= /^"?([0-9a-f]{64})"?$/.exec(headers['x-linked-etag'] ?? '')?.[1];
    if (![301, 302, 303, 307, 308].includes(statusCode) || !headers.location) {
      return { status: statusCode, headers, body, linkedSha256 };
    }
    await body.dump();
    const next = new URL(headers.location, address);
    if (next.protocol !== 'https:' && address.protocol === 'https:') {
      throw new BadRedirect(`a redirect to the insecure address ${next.host}`);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new BadRedirect(`a redirect of what was sent, to ${next.host}`);
    }
    address = next;
  }
  throw new BadRedirect(`more than ${maxRedirects} redirects`);
}

/** One hop: asked, recorded, and then sent. It ends when policy changes its mind. */
async function sendOnce(
  { policy, ledger, pool, options }: Way,
  { method, headers: given = {}, body, purpose, about }: OutboundRequest,
  address: URL,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const undici = await import('undici');
  const { connectTimeoutMs = usualConnectTimeoutMs, silenceTimeoutMs = usualSilenceTimeoutMs } = options;
  const permit = permittedWhile(policy, { kind: 'connect', url: address.href, purpose }, signal);
  try {
    permit.signal.throwIfAborted();
    // Compression would make ranges and sizes meaningless.
    const headers = { 'user-agent': 'argot', 'accept-encoding': 'identity', ...given };
    const path = address.pathname + address.search;
    // The client adds these by itself.
    const hasLength = body !== undefined || method === 'POST' || method === 'PUT';
    const length = hasLength ? { 'content-length': String(body?.length ?? 0) } : {};
    const all = { host: address.host, connection: 'keep-alive', ...headers, ...length };
    const bytes = headBytes(method, path, all) + (body?.length ?? 0);
    await ledger.record({ kind: 'request', to: address.origin, method, path: address.pathname, purpose, about, bytes });
    permit.signal.throwIfAborted();
    const response = await withDeadline(connectTimeoutMs + silenceTimeoutMs, permit.signal, (both) =>
      undici.request(address, {
        method,
        headers,
        ...(body && { body }),
        headersTimeout: silenceTimeoutMs,
        bodyTimeout: silenceTimeoutMs,
        dispatcher: pool,
        signal: both,
      }),
    );
    response.body.once('close', () => permit[Symbol.dispose]());
    return response;
  } catch (error) {
    permit[Symbol.dispose]();
    // Whatever way undici tells of an abort, the reason is what counts.
    permit.signal.throwIfAborted();
    throw error;
  }
}

function headBytes(method: string, path: string, headers: Readonly<Record<string, string>>): number {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.byteLength(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
}

/**
 * Ends on time whatever undici does: it heeds neither signal nor limits while it waits for a proxy to answer CONNECT.
 */
async function withDeadline<T>(
  limitMs: number,
  signal: AbortSignal,
  run: (both: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new Error(`no answer within ${limitMs / 1000} s`)), limitMs);
  const both = AbortSignal.any([signal, deadline.signal]);
  try {
    return await new Promise<T>((resolve, reject) => {
      both.addEventListener('abort', () => reject(both.reason), { once: true });
      run(both).then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
  }
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
