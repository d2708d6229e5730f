import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Server as NetServer } from 'node:net';

/** How a test's server misbehaves; every field may change while it runs. */
export interface Manners {
  content: Buffer;
  etag?: string | undefined;
  lastModified?: string | undefined;
  /** The connection is cut after so many bytes of a body, for the next `cuts` answers. */
  cutAfterBytes: number;
  cuts: number;
  ignoresRange: boolean;
  ignoresIfRange: boolean;
  hidesLength: boolean;
  /** Answers of this status come first, one each. */
  statuses: number[];
  headers: Record<string, string>;
  /** Between chunks of 64 KiB. */
  chunkPauseMs: number;
  onRequest?: (request: IncomingMessage) => void;
}

export interface FileServer extends AsyncDisposable {
  readonly origin: string;
  readonly manners: Manners;
  readonly requests: { readonly url: string; readonly range: string | undefined }[];
}

/** A real server on 127.0.0.1 that serves one file, with byte ranges, at every path but `/redirect`. */
export async function fileServer(content: Buffer, manners: Partial<Manners> = {}): Promise<FileServer> {
  const current: Manners = {
    content,
    etag: `"${createHash('sha256').update(content).digest('hex').slice(0, 16)}"`,
    cutAfterBytes: 0,
    cuts: 0,
    ignoresRange: false,
    ignoresIfRange: false,
    hidesLength: false,
    statuses: [],
    headers: {},
    chunkPauseMs: 0,
    ...manners,
  };
  const requests: { url: string; range: string | undefined }[] = [];
  const server = createServer((request, response) => {
    requests.push({ url: request.url ?? '', range: request.headers.range });
    current.onRequest?.(request);
    void answer(request, response, current).catch(() => response.destroy());
  });
  const origin = await listening(server);
  return { origin, manners: current, requests, [Symbol.asyncDispose]: () => closed(server) };
}

async function answer(request: IncomingMessage, response: ServerResponse, manners: Manners): Promise<void> {
  if (request.url === '/redirect') {
    response.writeHead(302, { location: '/storage', ...manners.headers }).end();
    return;
  }
  const status = manners.statuses.shift();
  if (status) {
    response.writeHead(status, manners.headers).end('an error');
    return;
  }
  const from = rangeStart(request, manners);
  const { content } = manners;
  if (from >= content.length && content.length > 0) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  const body = content.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, {
    ...(!manners.hidesLength && { 'content-length': body.length }),
    ...(manners.etag && { etag: manners.etag }),
    ...(manners.lastModified && { 'last-modified': manners.lastModified }),
    ...(from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
    ...manners.headers,
  });
  const cut = manners.cuts > 0 ? manners.cutAfterBytes : Number.POSITIVE_INFINITY;
  if (manners.cuts > 0) manners.cuts--;
  for (let at = 0; at < body.length; at += 65_536) {
    const end = Math.min(at + 65_536, body.length, cut);
    if (!response.write(body.subarray(at, end))) await once(response, 'drain');
    if (end === cut) {
      // Let what was written leave before the cut.
      await new Promise((resolve) => setTimeout(resolve, 20));
      response.destroy();
      return;
    }
    if (manners.chunkPauseMs) await new Promise((resolve) => setTimeout(resolve, manners.chunkPauseMs));
  }
  response.end();
}

function rangeStart(request: IncomingMessage, manners: Manners): number {
  const start = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  if (start === undefined || manners.ignoresRange) return 0;
  const condition = request.headers['if-range'];
  const stillTrue = condition === undefined || condition === manners.etag || condition === manners.lastModified;
  return stillTrue || manners.ignoresIfRange ? Number(start) : 0;
}

export async function listening(server: NetServer): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

export async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
