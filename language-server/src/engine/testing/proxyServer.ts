import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { closed, listening } from './fileServer.ts';

export interface ProxyServer extends AsyncDisposable {
  readonly origin: string;
  /** `GET http://…` and `CONNECT host:port`, as they came. */
  readonly seen: string[];
}

/** A real forward proxy: plain HTTP is forwarded, anything else is tunnelled. */
export async function proxyServer(options: { readonly authorization?: string } = {}): Promise<ProxyServer> {
  const seen: string[] = [];
  const isRefused = (given: string | undefined) =>
    options.authorization !== undefined && given !== options.authorization;
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    if (isRefused(incoming.headers['proxy-authorization'])) {
      outgoing.writeHead(407).end();
      return;
    }
    const forwarded = request(incoming.url ?? '', { headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.writeHead(502).end());
    forwarded.end();
  });
  server.on('connect', (incoming, client) => {
    seen.push(`CONNECT ${incoming.url}`);
    if (isRefused(incoming.headers['proxy-authorization'])) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const [host, port] = (incoming.url ?? '').split(':');
    const target = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    target.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    client.on('error', () => target.destroy());
  });
  return { origin: await listening(server), seen, [Symbol.asyncDispose]: () => closed(server) };
}
