import { parseArgs } from 'node:util';
import { z } from 'zod';

/** How the coordinator is started. Every option has a default that suits one machine. */
export interface CoordinatorOptions {
  readonly host: string;
  readonly port: number;
  /** Folder of the database, the payloads and the coordinator's key. */
  readonly data: string;
  /** PEM files; without them, plain HTTP for loopback or behind a proxy that does TLS. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
  /** Believe a proxy's X-Forwarded-For when counting requests. */
  readonly behindProxy: boolean;
  /** Requests a minute that one member, or one address without a signature, may make. */
  readonly requestsPerMinute: number;
  /** After the survivors are named, the committee has this long. */
  readonly releaseWindowMs: number;
  /** How often rounds are looked at, besides after each message. */
  readonly tickMs: number;
}

export const usage = `Usage: npm run coordinator [-- OPTION…]
  --data PATH                 its folder; default ./coordinator-data
  --host ADDRESS              default 127.0.0.1
  --port NUMBER               default 7411; 0 for a free one
  --tls-certificate FILE      PEM, with --tls-key FILE
  --behind-proxy              a proxy does TLS and says where requests come from
  --requests-per-minute N     for one member; default 6000
  --release-window-minutes N  how long a round waits for its committee; default 720

The lead's commands: npm run coordinator -- lead --help`;

const schema = z.strictObject({
  data: z.string().min(1).default('coordinator-data'),
  host: z.string().min(1).default('127.0.0.1'),
  port: z.coerce.number().int().min(0).max(65_535).default(7411),
  'tls-certificate': z.string().optional(),
  'tls-key': z.string().optional(),
  'behind-proxy': z.boolean().default(false),
  'requests-per-minute': z.coerce.number().int().min(1).default(6000),
  'release-window-minutes': z.coerce.number().positive().default(720),
  'tick-ms': z.coerce.number().int().min(10).default(1000),
});

/** The options, or one sentence on what is wrong with them. */
export function readOptions(
  args: readonly string[],
): { readonly ok: true; readonly options: CoordinatorOptions } | { readonly ok: false; readonly message: string } {
  let values: unknown;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        data: { type: 'string' },
        host: { type: 'string' },
        port: { type: 'string' },
        'tls-certificate': { type: 'string' },
        'tls-key': { type: 'string' },
        'behind-proxy': { type: 'boolean' },
        'requests-per-minute': { type: 'string' },
        'release-window-minutes': { type: 'string' },
        'tick-ms': { type: 'string' },
      },
    }));
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
  const parsed = schema.safeParse(values);
  if (!parsed.success) return { ok: false, message: z.prettifyError(parsed.error) };
  const { data } = parsed;
  const [certificate, key] = [data['tls-certificate'], data['tls-key']];
  if ((certificate === undefined) !== (key === undefined)) {
    return { ok: false, message: 'TLS needs both --tls-certificate and --tls-key.' };
  }
  const tls = certificate === undefined || key === undefined ? undefined : { certificate, key };
  if (tls === undefined && !data['behind-proxy'] && !isLoopback(data.host)) {
    return {
      ok: false,
      message: `On ${data.host} the coordinator needs --tls-certificate and --tls-key, or --behind-proxy where a proxy does TLS.`,
    };
  }
  return {
    ok: true,
    options: {
      host: data.host,
      port: data.port,
      data: data.data,
      tls,
      behindProxy: data['behind-proxy'],
      requestsPerMinute: data['requests-per-minute'],
      releaseWindowMs: data['release-window-minutes'] * 60_000,
      tickMs: data['tick-ms'],
    },
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
