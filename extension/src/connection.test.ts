import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '#protocol/address.ts';
import { encodeLine, protocolVersion } from '#protocol/handshake.ts';
import { contact } from './connection.ts';

const never = new AbortController().signal;
const uid = process.getuid?.();
let folder: string;
let address: Address;
let server: Server | undefined;
const sockets: Socket[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'argot-contact-'));
  address = { kind: 'socket', folder, path: join(folder, 'server.sock') };
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function listen(onSocket: (socket: Socket) => void): Promise<void> {
  return new Promise((resolve) => {
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      onSocket(socket);
    });
    server.listen(address.path, resolve);
  });
}

function nextData(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (data) => resolve(data.toString()));
    socket.resume();
  });
}

function greeting(version: string, protocol = protocolVersion): string {
  return encodeLine({ argot: 'greeting', protocol, version, pid: 42 });
}

describe('contact', () => {
  it('joins a server of its own version and loses no byte of what follows', async () => {
    const heard: string[] = [];
    await listen((socket) => {
      socket.write(greeting('1.2.3'));
      socket.on('data', (data) => {
        heard.push(data.toString());
        socket.write('Content-Length: 2\r\n\r\n{}');
      });
    });
    const outcome = await contact(address, '1.2.3', uid, never);
    if (outcome.kind !== 'joined') throw new Error(outcome.kind);
    expect(outcome.greeting.pid).toBe(42);
    const next = await nextData(outcome.socket);
    expect(next).toBe('Content-Length: 2\r\n\r\n{}');
    expect(JSON.parse(heard.join(''))).toEqual({ argot: 'join', protocol: protocolVersion, version: '1.2.3' });
  });

  it('keeps what a hasty server sends right behind its greeting', async () => {
    await listen((socket) => socket.write(`${greeting('1.2.3')}early`));
    const outcome = await contact(address, '1.2.3', uid, never);
    if (outcome.kind !== 'joined') throw new Error(outcome.kind);
    const next = await nextData(outcome.socket);
    expect(next).toBe('early');
    outcome.socket.destroy();
  });

  it('asks an older server to drain', async () => {
    const heard = new Promise<string>((resolve) => {
      void listen((socket) => {
        socket.write(greeting('1.2.2'));
        socket.once('data', (data) => resolve(data.toString()));
      });
    });
    expect(await contact(address, '1.2.3', uid, never)).toEqual({ kind: 'leaving' });
    expect(JSON.parse(await heard)).toMatchObject({ argot: 'drain' });
  });

  it('asks a server of its own version to drain when that is wished', async () => {
    const heard = new Promise<string>((resolve) => {
      void listen((socket) => {
        socket.write(greeting('1.2.3'));
        socket.once('data', (data) => resolve(data.toString()));
      });
    });
    expect(await contact(address, '1.2.3', uid, never, 'drain')).toEqual({ kind: 'leaving' });
    expect(JSON.parse(await heard)).toMatchObject({ argot: 'drain' });
  });

  it('joins a newer server that speaks the same protocol', async () => {
    await listen((socket) => socket.write(greeting('2.0.0')));
    const outcome = await contact(address, '1.2.3', uid, never);
    expect(outcome.kind).toBe('joined');
    if (outcome.kind === 'joined') outcome.socket.destroy();
  });

  it('wants the window reloaded for a newer server of another protocol', async () => {
    await listen((socket) => socket.write(greeting('2.0.0', protocolVersion + 1)));
    expect(await contact(address, '1.2.3', uid, never)).toMatchObject({ kind: 'refused', code: 'reloadWindow' });
  });

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['JSON of another kind', '{"hello":"world"}\n'],
    ['a flood', 'x'.repeat(100_000)],
  ])('refuses a foreign program that speaks %s', async (_, words) => {
    await listen((socket) => socket.write(words));
    const outcome = await contact(address, '1.2.3', uid, never);
    expect(outcome).toMatchObject({ kind: 'refused', code: 'foreign' });
    expect(outcome.kind === 'refused' && outcome.message).toContain(address.path);
  });

  it('finds nobody where the folder or the socket is missing, and where a dead server left its socket', async () => {
    expect(await contact(address, '1.2.3', uid, never)).toEqual({ kind: 'absent' });
    const missing: Address = { kind: 'socket', folder: join(folder, 'no'), path: join(folder, 'no', 'server.sock') };
    expect(await contact(missing, '1.2.3', uid, never)).toEqual({ kind: 'absent' });
    writeFileSync(address.path, '');
    expect(await contact(address, '1.2.3', uid, never)).toEqual({ kind: 'absent' });
  });

  it('tries again later when the server hangs up before its greeting', async () => {
    await listen((socket) => socket.destroy());
    expect(await contact(address, '1.2.3', uid, never)).toEqual({ kind: 'leaving' });
  });

  it.skipIf(process.platform === 'win32')('never connects in a folder that others may open', async () => {
    let connected = false;
    await listen(() => {
      connected = true;
    });
    chmodSync(folder, 0o755);
    expect(await contact(address, '1.2.3', uid, never)).toMatchObject({ kind: 'refused', code: 'folder' });
    chmodSync(folder, 0o700);
    expect(await contact(address, '1.2.3', (uid ?? 0) + 1, never)).toMatchObject({ kind: 'refused', code: 'folder' });
    expect(connected).toBe(false);
  });

  it('gives up when it is told to', async () => {
    await listen(() => undefined);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const begun = Date.now();
    await contact(address, '1.2.3', uid, controller.signal);
    expect(Date.now() - begun).toBeLessThan(2000);
  });
});
