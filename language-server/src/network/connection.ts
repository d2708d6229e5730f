import type { Dispatcher } from 'undici';
import { BadProxy } from './networkFault.ts';

export interface NetworkOptions {
  /** A proxy for everything but `NO_PROXY`; empty means what the environment says. */
  readonly proxy: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly connectTimeoutMs?: number;
  /** How long a server may be silent before the connection counts as lost. */
  readonly silenceTimeoutMs?: number;
}

export interface Proxies {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

export const usualConnectTimeoutMs = 3000;
export const usualSilenceTimeoutMs = 30_000;

/**
 * Connects with undici's own client: its proxies and Node's built-in fetch understand each other only where both are of
 * the same version. It is loaded with the first request, not with the server.
 */
export async function openPool(options: NetworkOptions): Promise<Dispatcher> {
  const undici = await import('undici');
  const timeout = { timeout: options.connectTimeoutMs ?? usualConnectTimeoutMs };
  const proxies = chosenProxies(options);
  if (proxies === undefined) return new undici.Agent({ connect: timeout });
  return new undici.EnvHttpProxyAgent({
    ...proxies,
    connect: timeout,
    proxyTls: timeout,
    requestTls: timeout,
    // Many proxies allow a tunnel to port 443 only, so plain HTTP is forwarded instead.
    proxyTunnel: false,
  });
}

/** Undefined where nothing asks for a proxy. Throws where the address of one can't be understood. */
export function chosenProxies({ proxy, env }: NetworkOptions): Proxies | undefined {
  const named = proxy.trim();
  const httpProxy = named || env.http_proxy || env.HTTP_PROXY || '';
  const httpsProxy = named || env.https_proxy || env.HTTPS_PROXY || '';
  if (!httpProxy && !httpsProxy) return undefined;
  for (const each of [httpProxy, httpsProxy]) if (each && !URL.canParse(each)) throw new BadProxy(each);
  return { httpProxy, httpsProxy, noProxy: env.no_proxy ?? env.NO_PROXY ?? '' };
}
