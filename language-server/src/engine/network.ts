import type { Dispatcher } from 'undici';
import { errorCode, errorMessage, type Fault } from './faults.ts';

export interface NetworkOptions {
  /** A proxy for everything but `NO_PROXY`; empty means what the environment says. */
  readonly proxy: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly connectTimeoutMs?: number;
  /** How long a server may be silent before the connection counts as lost. */
  readonly silenceTimeoutMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Dispatcher.ResponseData['body'];
  /** The checksum that the hub states for a file before it redirects to its storage; 64 hexadecimal digits. */
  readonly linkedSha256: string | undefined;
}

export interface Network extends AsyncDisposable {
  /** Follows redirects. Throws network errors as they are; `networkFault` explains them. */
  get(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answer>;
}

const maxRedirects = 10;

/**
 * Connects with undici's own client: its proxies and Node's built-in fetch understand each other only where both are of
 * the same version. It is loaded with the first download, not with the server.
 */
export async function openNetwork(options: NetworkOptions): Promise<Network> {
  const undici = await import('undici');
  const { connectTimeoutMs = 3000, silenceTimeoutMs = 30_000 } = options;
  const proxies = chosenProxies(options);
  const timeout = { timeout: connectTimeoutMs };
  const limits = { headersTimeout: silenceTimeoutMs, bodyTimeout: silenceTimeoutMs };
  const agent: Dispatcher = proxies
    ? new undici.EnvHttpProxyAgent({
        ...proxies,
        connect: timeout,
        proxyTls: timeout,
        requestTls: timeout,
        // Many proxies allow a tunnel to port 443 only, so plain HTTP is forwarded instead.
        proxyTunnel: false,
      })
    : new undici.Agent({ connect: timeout });

  async function get(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answer> {
    let address = new URL(url);
    let linkedSha256: string | undefined;
    for (let hop = 0; hop <= maxRedirects; hop++) {
      // Compression would make ranges and sizes meaningless.
      const sent = { 'user-agent': 'argot', 'accept-encoding': 'identity', ...headers };
      const limitMs = connectTimeoutMs + silenceTimeoutMs;
      const response = await withDeadline(limitMs, signal, (both) =>
        undici.request(address, { ...limits, dispatcher: agent, signal: both, headers: sent }),
      );
      const { statusCode, headers: received, body } = response;
      const flat = Object.fromEntries(Object.entries(received).map(([name, value]) => [name, first(value)]));
      linkedSha256 ??= /^"?([0-9a-f]{64})"?$/.exec(flat['x-linked-etag'] ?? '')?.[1];
      if (![301, 302, 303, 307, 308].includes(statusCode) || !flat.location) {
        return { status: statusCode, headers: flat, body, linkedSha256 };
      }
      await body.dump();
      const next = new URL(flat.location, address);
      if (next.protocol !== 'https:' && address.protocol === 'https:') {
        throw new BadRedirect(`a redirect to the insecure address ${next.host}`);
      }
      address = next;
    }
    throw new BadRedirect(`more than ${maxRedirects} redirects`);
  }

  return { get, [Symbol.asyncDispose]: () => agent.destroy().catch(() => undefined) };
}

class BadRedirect extends Error {}

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

/** Undefined where nothing asks for a proxy. Throws where the address of one can't be understood. */
function chosenProxies({ proxy, env }: NetworkOptions) {
  const named = proxy.trim();
  const httpProxy = named || env.http_proxy || env.HTTP_PROXY || '';
  const httpsProxy = named || env.https_proxy || env.HTTPS_PROXY || '';
  if (!httpProxy && !httpsProxy) return undefined;
  for (const each of [httpProxy, httpsProxy]) if (each && !URL.canParse(each)) throw new BadProxy(each);
  return { httpProxy, httpsProxy, noProxy: env.no_proxy ?? env.NO_PROXY ?? '' };
}

class BadProxy extends Error {}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

const unreachable = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EHOSTDOWN',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const certificateCodes = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS/;

/** What an error that a request threw means for the user. */
export function networkFault(error: unknown, host: string): Fault {
  if (error instanceof BadProxy) {
    return {
      code: 'proxy',
      message: `The proxy address “${withoutPassword(error.message)}” can't be understood. Write it as http://host:port in the setting http.proxy or in HTTPS_PROXY.`,
    };
  }
  if (error instanceof BadRedirect) {
    return {
      code: 'webPage',
      message: `${host} answered with ${error.message}: often the sign-in page of a network. Open a browser, sign in, and try again.`,
    };
  }
  const codes = causes(error).map(errorCode);
  const text = causes(error).map(errorMessage).join(' ');
  if (/\b407\b|Proxy/i.test(text)) {
    return {
      code: 'proxy',
      message: `The proxy refused the connection to ${host} (${text.trim()}). Check http.proxy, with user name and password if it wants them.`,
    };
  }
  if (codes.some((code) => certificateCodes.test(code))) {
    return {
      code: 'certificate',
      message: `The certificate of ${host} is not trusted on this machine. If your network inspects traffic, set NODE_EXTRA_CA_CERTS to its certificate file.`,
    };
  }
  if (codes.some((code) => unreachable.has(code))) {
    return {
      code: 'offline',
      message: `${host} can't be reached. Check the network and the proxy setting, or import a model file that you have.`,
    };
  }
  return {
    code: 'interrupted',
    message: `The connection to ${host} broke (${errorMessage(error)}). Try again: the download goes on where it stopped.`,
  };
}

/** What a status that is neither 200 nor 206 means. */
export function statusFault(status: number, url: string): Fault {
  const { host } = new URL(url);
  if (status === 404 || status === 410) {
    return {
      code: 'notFound',
      message: `${host} has no such file (${status}). Update Argot, or choose another model.`,
    };
  }
  if (status === 401 || status === 403) {
    return {
      code: 'notAuthorised',
      message: `${host} gives this file only to signed-in users (${status}). Download it in a browser and import the file.`,
    };
  }
  if (status === 407) {
    return {
      code: 'proxy',
      message: 'The proxy wants a user name and password (407). Add them to the setting http.proxy.',
    };
  }
  return { code: 'serverError', message: `${host} answered with an error (${status}). Try again later.` };
}

/** An error, its causes, and the errors of each address that was tried. */
function causes(error: unknown): readonly unknown[] {
  if (error instanceof AggregateError) return [error, ...error.errors.flatMap(causes)];
  return error instanceof Error && error.cause !== undefined ? [error, ...causes(error.cause)] : [error];
}

function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/]*@/, '//');
}
