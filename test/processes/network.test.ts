import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { dashboardRequest } from '#protocol/dashboard.ts';
import { readLeftRequest } from '#protocol/ledger.ts';
import { atCursor, javascript, modelPath, ownServer } from './setup.ts';

/** A network of its own, of which one wire leads out: what its far end receives is all that leaves. */
interface Wire extends Disposable {
  readonly prefix: readonly string[];
  /** This machine's address on the wire. */
  readonly address: string;
  /** Bytes that came out of the namespace, whatever they were: packets' headers and names' look-ups too. */
  bytesOut(): number;
}

function wire(): Wire {
  const name = `argot${process.pid % 10_000}`;
  // Several checkouts may be tested at once on one machine.
  const subnet = `10.213.${process.pid % 250}`;
  const address = `${subnet}.1`;
  const run = (...args: readonly string[]): void => {
    const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
  };
  const inside = (...args: readonly string[]): void => run('netns', 'exec', name, ...args);
  run('netns', 'add', name);
  run('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  // Without neighbour discovery no packet leaves but those that a program sends.
  inside('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 || true');
  spawnSync('sh', ['-c', `echo 1 > /proc/sys/net/ipv6/conf/${name}/disable_ipv6`]);
  run('addr', 'add', `${address}/30`, 'dev', name);
  run('link', 'set', name, 'up');
  inside('ip', 'addr', 'add', `${subnet}.2/30`, 'dev', 'eth0');
  inside('ip', 'link', 'set', 'eth0', 'up');
  inside('ip', 'link', 'set', 'lo', 'up');
  inside('ip', 'route', 'add', 'default', 'via', address);
  return {
    prefix: ['ip', 'netns', 'exec', name],
    address,
    bytesOut: () => Number(readFileSync(`/sys/class/net/${name}/statistics/rx_bytes`, 'utf8')),
    [Symbol.dispose]: () => void spawnSync('ip', ['netns', 'del', name]),
  };
}

function canMakeWire(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const name = `argot-try-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name]).status === 0;
  return made && spawnSync('ip', ['netns', 'del', name]).status === 0;
}

/** Counts what it is sent, byte for byte, and has no file. */
async function countingHub(address: string) {
  let received = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      received += chunk.length;
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const place = server.address();
  const port = typeof place === 'object' && place !== null ? place.port : 0;
  return {
    origin: `http://${address}:${port}`,
    received: () => received,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe.skipIf(!canMakeWire())('on a wire of its own', { timeout: 60_000 }, () => {
  it('nothing leaves while it completes, and a request leaves as the ledger says, to the byte', async () => {
    using out = wire();
    await using hub = await countingHub(out.address);
    await using own = await ownServer({ models: [modelPath()], prefix: out.prefix });
    await using client = await own.connect({ settings: { hubEndpoint: hub.origin } });
    await client.statuses.until(({ state }) => state === 'ready');
    const { text, offset } = atCursor(javascript);
    const document = await client.open({ uri: 'file:///work/a.js', languageId: 'javascript', text });
    expect(await client.complete(document, offset)).toMatchObject({ kind: 'items' });
    await client.signal({ kind: 'shown', itemId: '1', uri: document.uri, version: 1 });
    await client.listModels();
    await client.connection.sendRequest(dashboardRequest, null);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(out.bytesOut()).toBe(0);

    expect(await client.downloadModel('qwen2.5-coder-0.5b')).toMatchObject({ ok: false });
    const { check, entries } = await client.connection.sendRequest(readLeftRequest, { newest: 100 });
    expect(check).toMatchObject({ ok: true, bytes: hub.received() });
    expect(entries.map(({ kind, to }) => [kind, to])).toEqual([['request', hub.origin]]);
    // What the wire carried beyond it is TCP's own.
    expect(out.bytesOut()).toBeGreaterThan(hub.received());
    expect(out.bytesOut()).toBeLessThan(hub.received() + 2000);
  });
});
