import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fileServer, listening } from '../engine/testing/fileServer.ts';
import { proxyServer } from '../engine/testing/proxyServer.ts';
import type { NetworkOptions } from './connection.ts';
import { networkFault } from './networkFault.ts';
import { freeOutbound } from './testing/freeOutbound.ts';

const signal = new AbortController().signal;
const content = Buffer.from('GGUF and so on');

async function get(url: string, options: Partial<NetworkOptions>): Promise<string> {
  await using network = await freeOutbound().open({ proxy: '', env: {}, ...options });
  const { body, status } = await network.send(
    { method: 'GET', url, purpose: 'modelDownload', about: 'a test' },
    signal,
  );
  return `${status} ${await body.text()}`;
}

describe('proxies', () => {
  it('uses the one of the setting', async () => {
    await using server = await fileServer(content);
    await using proxy = await proxyServer();
    expect(await get(server.origin, { proxy: proxy.origin })).toBe('200 GGUF and so on');
    expect(proxy.seen).toEqual([`GET ${server.origin}/`]);
  });

  it('tunnels to secure addresses', async () => {
    await using proxy = await proxyServer();
    await expect(get('https://argot-test.invalid/file', { proxy: proxy.origin })).rejects.toThrow();
    expect(proxy.seen).toEqual(['CONNECT argot-test.invalid:443']);
  });

  it('uses the one of the environment, but not for hosts that NO_PROXY names', async () => {
    await using server = await fileServer(content);
    await using proxy = await proxyServer();
    expect(await get(server.origin, { env: { HTTP_PROXY: proxy.origin } })).toBe('200 GGUF and so on');
    expect(proxy.seen).toHaveLength(1);
    await get(server.origin, { env: { HTTP_PROXY: proxy.origin, NO_PROXY: 'example.com,127.0.0.1' } });
    await get(server.origin, { proxy: proxy.origin, env: { no_proxy: '*' } });
    expect(proxy.seen).toHaveLength(1);
  });

  it('signs in with the user name in the address, and says when that is missing', async () => {
    await using server = await fileServer(content);
    await using proxy = await proxyServer({ authorization: `Basic ${btoa('ada:secret')}` });
    expect(await get(server.origin, { proxy: proxy.origin.replace('//', '//ada:secret@') })).toMatch(/^200/);
    const fault = await get(server.origin, { proxy: proxy.origin }).then(
      (text) => text,
      (error) => networkFault(error, 'hub').code,
    );
    expect(fault).toMatch(/^(407|proxy)/);
  });

  it('says that a proxy refused a tunnel', async () => {
    await using proxy = await proxyServer({ authorization: 'never' });
    const error = await get('https://argot-test.invalid/', { proxy: proxy.origin }).catch((each) => each);
    expect(networkFault(error, 'argot-test.invalid')).toMatchObject({ code: 'proxy' });
  });

  it('says that the address of a proxy makes no sense, without its password', async () => {
    const error = await freeOutbound()
      .open({ proxy: 'http://ada:secret@', env: {} })
      .catch((each) => each);
    const fault = networkFault(error, 'hub');
    expect(fault.code).toBe('proxy');
    expect(fault.message).not.toContain('secret');
  });
});

it('does not wait for ever for a proxy that is silent', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  const origin = await listening(silent);
  const before = performance.now();
  const limits = { connectTimeoutMs: 100, silenceTimeoutMs: 200 };
  const error = await get('https://argot-test.invalid/', { proxy: origin, ...limits }).catch((each) => each);
  expect(networkFault(error, 'hub').code).toBe('interrupted');
  expect(performance.now() - before).toBeLessThan(2000);
  for (const socket of sockets) socket.destroy();
  silent.close();
});

describe('networkFault', () => {
  it.each([
    ['CERT_HAS_EXPIRED', 'certificate'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate'],
    ['ENOTFOUND', 'offline'],
    ['EAI_AGAIN', 'offline'],
    ['UND_ERR_CONNECT_TIMEOUT', 'offline'],
    ['ECONNRESET', 'interrupted'],
    ['UND_ERR_SOCKET', 'interrupted'],
  ])('tells what %s means, also as a cause', (code, expected) => {
    const error = Object.assign(new Error('it failed'), { code });
    expect(networkFault(error, 'hub').code).toBe(expected);
    expect(networkFault(new Error('outer', { cause: error }), 'hub').code).toBe(expected);
  });
});
