import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freeOutbound } from '../network/testing/freeOutbound.ts';
import { type DownloadProgress, type DownloadRequest, download } from './download.ts';
import { closed, type FileServer, fileServer, listening } from './testing/fileServer.ts';

const content = Buffer.concat([Buffer.from('GGUF'), randomBytes(1_000_000)]);
const sha256 = hashOf(content);

let folder = '';
let destination = '';
const servers: FileServer[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-download-'));
  destination = join(folder, 'model.gguf');
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function serve(...args: Parameters<typeof fileServer>): Promise<FileServer> {
  const server = await fileServer(...args);
  servers.push(server);
  return server;
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function fetchFrom(url: string, more: Partial<DownloadRequest> = {}, silenceTimeoutMs = 1000) {
  await using network = await freeOutbound().open({ proxy: '', env: {}, silenceTimeoutMs });
  return await download(
    {
      url,
      destination,
      magic: 'GGUF',
      check: async () => undefined,
      onProgress: () => undefined,
      signal: new AbortController().signal,
      pausesMs: [10, 10, 10],
      ...more,
    },
    network,
  );
}

async function expectWhole(bytes = content): Promise<void> {
  expect(hashOf(await readFile(destination))).toBe(hashOf(bytes));
  expect(await readdir(folder)).toEqual(['model.gguf']);
}

async function expectNothing(): Promise<void> {
  expect(await readdir(folder)).toEqual([]);
}

describe('download', () => {
  it('lands a verified file and leaves nothing else', async () => {
    const server = await serve(content);
    const progress: DownloadProgress[] = [];
    const result = await fetchFrom(server.origin, { sha256, onProgress: (each) => progress.push(each) });
    expect(result).toEqual({ ok: true, path: destination });
    await expectWhole();
    expect(progress[0]?.phase).toBe('connecting');
    expect(progress.at(-1)).toEqual({ phase: 'verifying', receivedBytes: content.length, totalBytes: content.length });
  });

  it('goes on where a connection broke, again and again', async () => {
    const server = await serve(content, { cutAfterBytes: 150_000, cuts: 5 });
    expect(await fetchFrom(server.origin, { sha256 })).toMatchObject({ ok: true });
    await expectWhole();
    expect(server.requests).toHaveLength(6);
    expect(server.requests.slice(1).every(({ range }) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
  });

  it('gives up when a server breaks every connection at once, and keeps what came', async () => {
    const server = await serve(content, { cutAfterBytes: 0, cuts: 99 });
    expect(await fetchFrom(server.origin)).toMatchObject({ ok: false, fault: { code: 'interrupted' } });
    expect(server.requests).toHaveLength(4);
  });

  it('resumes in a later call', async () => {
    const server = await serve(content, { cutAfterBytes: 400_000, cuts: 1 });
    expect(await fetchFrom(server.origin, { pausesMs: [] })).toMatchObject({ ok: false });
    const kept = (await stat(`${destination}.part`)).size;
    expect(kept).toBeGreaterThan(0);
    expect(await fetchFrom(server.origin, { sha256 })).toMatchObject({ ok: true });
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, `bytes=${kept}-`]);
    await expectWhole();
  });

  it('starts again when the server ignores ranges', async () => {
    const server = await serve(content, { cutAfterBytes: 400_000, cuts: 1, ignoresRange: true });
    expect(await fetchFrom(server.origin, { sha256 })).toMatchObject({ ok: true });
    await expectWhole();
  });

  it('starts again when the file changed in between', async () => {
    const server = await serve(content, { cutAfterBytes: 400_000, cuts: 1 });
    await fetchFrom(server.origin, { pausesMs: [] });
    const changed = Buffer.concat([Buffer.from('GGUF'), randomBytes(900_000)]);
    Object.assign(server.manners, { content: changed, etag: '"another"' });
    expect(await fetchFrom(server.origin)).toMatchObject({ ok: true });
    await expectWhole(changed);
  });

  it('notices a changed file also where the server ignores If-Range', async () => {
    const server = await serve(content, { cutAfterBytes: 400_000, cuts: 1, ignoresIfRange: true });
    await fetchFrom(server.origin, { pausesMs: [] });
    const changed = Buffer.concat([Buffer.from('GGUF'), randomBytes(1_000_000)]);
    Object.assign(server.manners, { content: changed, etag: '"another"' });
    expect(await fetchFrom(server.origin)).toMatchObject({ ok: true });
    await expectWhole(changed);
  });

  it('does not join parts that nothing ties together', async () => {
    const server = await serve(content, { etag: 'W/"weak"', cutAfterBytes: 400_000, cuts: 1 });
    expect(await fetchFrom(server.origin)).toMatchObject({ ok: true });
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, undefined]);
    await expectWhole();
  });

  it('resumes by the time of the last change where there is no entity tag', async () => {
    const lastModified = 'Mon, 01 Jan 2024 00:00:00 GMT';
    const server = await serve(content, { etag: undefined, lastModified, cutAfterBytes: 400_000, cuts: 1 });
    expect(await fetchFrom(server.origin)).toMatchObject({ ok: true });
    expect(server.requests[1]?.range).toMatch(/^bytes=/);
    await expectWhole();
  });

  it('drops a part that was damaged on disk, and loads the file anew', async () => {
    const server = await serve(content, { cutAfterBytes: 400_000, cuts: 1 });
    await fetchFrom(server.origin, { pausesMs: [], sha256 });
    const part = await readFile(`${destination}.part`);
    part[1000] = (part[1000] ?? 0) ^ 1;
    await writeFile(`${destination}.part`, part);
    expect(await fetchFrom(server.origin, { sha256 })).toMatchObject({ ok: true });
    await expectWhole();
  });

  it.each(['', '{', '[]', '{"totalBytes":"many"}'])('drops a part whose note is %j', async (note) => {
    const server = await serve(content);
    await writeFile(`${destination}.part`, 'rubbish');
    await writeFile(`${destination}.part.json`, note);
    expect(await fetchFrom(server.origin, { sha256 })).toMatchObject({ ok: true });
    await expectWhole();
  });

  it('lands a part that was whole already', async () => {
    const server = await serve(content);
    await writeFile(`${destination}.part`, content);
    await writeFile(`${destination}.part.json`, JSON.stringify({ totalBytes: content.length, sha256 }));
    expect(await fetchFrom(server.origin, { sha256 })).toMatchObject({ ok: true });
    await expectWhole();
  });

  it('refuses wrong bytes of the right length', async () => {
    const server = await serve(content);
    const result = await fetchFrom(server.origin, {
      sha256: hashOf(Buffer.from('another')),
      sizeBytes: content.length,
    });
    expect(result).toMatchObject({ ok: false, fault: { code: 'wrongChecksum' } });
    await expectNothing();
  });

  it('takes the checksum that the hub states before it redirects', async () => {
    const right = await serve(content, { headers: { 'x-linked-etag': `"${sha256}"` } });
    expect(await fetchFrom(`${right.origin}/redirect`)).toMatchObject({ ok: true });
    const wrong = await serve(content, { headers: { 'x-linked-etag': `"${'0'.repeat(64)}"` } });
    const result = await fetchFrom(`${wrong.origin}/redirect`);
    expect(result).toMatchObject({ ok: false, fault: { code: 'wrongChecksum' } });
  });

  it('refuses another size before it loads the file', async () => {
    const server = await serve(content);
    const result = await fetchFrom(server.origin, { sizeBytes: 5 });
    expect(result).toMatchObject({ ok: false, fault: { code: 'wrongSize' } });
    await expectNothing();
  });

  it('asks the caller whether the file is a model before it lands', async () => {
    const server = await serve(content);
    const fault = { code: 'notAModel', message: 'No model. Try another.' } as const;
    expect(await fetchFrom(server.origin, { check: async () => fault })).toEqual({ ok: false, fault });
    await expectNothing();
  });

  it.each([
    ['by its type', Buffer.from('<p>Sign in'), { 'content-type': 'text/html; charset=utf-8' }],
    ['by its first byte', Buffer.from('<!doctype html><title>Sign in'), {}],
  ])('knows a sign-in page %s', async (_, page, headers) => {
    const server = await serve(page, { headers });
    expect(await fetchFrom(server.origin)).toMatchObject({ ok: false, fault: { code: 'webPage' } });
    await expectNothing();
  });

  it('keeps a part when a sign-in page comes in between', async () => {
    const server = await serve(content, { cutAfterBytes: 400_000, cuts: 1 });
    await fetchFrom(server.origin, { pausesMs: [] });
    const { size } = await stat(`${destination}.part`);
    Object.assign(server.manners, {
      headers: { 'content-type': 'text/html' },
      content: Buffer.from('<p>Sign in'),
      ignoresRange: true,
    });
    expect(await fetchFrom(server.origin)).toMatchObject({ ok: false, fault: { code: 'webPage' } });
    expect((await stat(`${destination}.part`)).size).toBe(size);
  });

  it.each([
    [404, 'notFound'],
    [401, 'notAuthorised'],
    [403, 'notAuthorised'],
    [418, 'serverError'],
  ])('explains status %i without trying again', async (status, code) => {
    const server = await serve(content, { statuses: [status, status] });
    expect(await fetchFrom(server.origin)).toMatchObject({ ok: false, fault: { code } });
    expect(server.requests).toHaveLength(1);
    await expectNothing();
  });

  it('waits for a server that is busy', async () => {
    const server = await serve(content, { statuses: [503, 429] });
    expect(await fetchFrom(server.origin, { sha256 })).toMatchObject({ ok: true });
    expect(server.requests).toHaveLength(3);
  });

  it('tells a host that refuses connections at once', async () => {
    const server = await fileServer(content);
    await server[Symbol.asyncDispose]();
    const before = performance.now();
    const result = await fetchFrom(server.origin, { pausesMs: [5000] });
    expect(result).toMatchObject({ ok: false, fault: { code: 'offline' } });
    expect(performance.now() - before).toBeLessThan(2500);
    await expectNothing();
  });

  it('tells a name that does not exist', async () => {
    const result = await fetchFrom('http://argot-test.invalid/model.gguf');
    expect(result).toMatchObject({
      ok: false,
      fault: { code: 'offline', message: expect.stringContaining('argot-test.invalid') },
    });
  });

  it('gives up within the silence limit on a server that accepts and says nothing', async () => {
    const silent = createServer(() => undefined);
    const origin = await listening(silent);
    const before = performance.now();
    const result = await fetchFrom(origin, { pausesMs: [] }, 300);
    expect(result).toMatchObject({ ok: false, fault: { code: 'interrupted' } });
    expect(performance.now() - before).toBeLessThan(3000);
    silent.close();
  });

  it('does not follow redirects for ever', async () => {
    const loop = (await import('node:http')).createServer((_, response) =>
      response.writeHead(302, { location: '/again' }).end(),
    );
    const origin = await listening(loop);
    expect(await fetchFrom(origin)).toMatchObject({ ok: false, fault: { code: 'webPage' } });
    await closed(loop);
  });

  it('keeps the part when it is cancelled, and says so', async () => {
    const server = await serve(content, { chunkPauseMs: 20 });
    const cancel = new AbortController();
    const result = await fetchFrom(server.origin, {
      signal: cancel.signal,
      onProgress: ({ receivedBytes }) => receivedBytes > 100_000 && cancel.abort(),
    });
    expect(result).toMatchObject({ ok: false, fault: { code: 'cancelled' } });
    expect((await stat(`${destination}.part`)).size).toBeGreaterThan(100_000);
    server.manners.chunkPauseMs = 0;
    expect(await fetchFrom(server.origin, { sha256 })).toMatchObject({ ok: true });
    expect(server.requests[1]?.range).toMatch(/^bytes=\d{6}/);
    await expectWhole();
  });

  it('can be cancelled while it waits to try again', async () => {
    const server = await serve(content, { statuses: [503] });
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(), 50);
    const before = performance.now();
    const result = await fetchFrom(server.origin, { signal: cancel.signal, pausesMs: [60_000] });
    expect(result).toMatchObject({ ok: false, fault: { code: 'cancelled' } });
    expect(performance.now() - before).toBeLessThan(2000);
  });

  it('resumes after its process was killed', async () => {
    const server = await serve(content, { chunkPauseMs: 30 });
    const script = join(folder, '..', `argot-kill-${process.pid}.mjs`);
    await bundle(script);
    const child = spawn(process.execPath, [script, server.origin, destination], { stdio: 'ignore' });
    await waitFor(async () => (await stat(`${destination}.part`).catch(() => ({ size: 0 }))).size > 200_000);
    child.kill('SIGKILL');
    await once(child, 'exit');
    server.manners.chunkPauseMs = 0;
    expect(await fetchFrom(server.origin, { sha256 })).toMatchObject({ ok: true });
    expect(server.requests[1]?.range).toMatch(/^bytes=\d{6}/);
    await expectWhole();
    await rm(script);
  }, 20_000);

  it('tells before it begins that the disk has no room', async () => {
    const server = await serve(content);
    const huge = { 'content-length': String(2 ** 52) };
    Object.assign(server.manners, { headers: huge, chunkPauseMs: 10 });
    const result = await fetchFrom(server.origin);
    expect(result).toMatchObject({ ok: false, fault: { code: 'noSpace' } });
    await expectNothing();
  });

  it('tells a folder that may not be written', async (context) => {
    if (process.getuid?.() === 0) return context.skip('root may write everywhere; see the read-only mount below');
    const server = await serve(content);
    await chmod(folder, 0o500);
    const result = await fetchFrom(server.origin);
    await chmod(folder, 0o700);
    expect(result).toMatchObject({ ok: false, fault: { code: 'readOnly' } });
  });

  it('tells a disk that fills up or is read-only, and resumes when there is room', async (context) => {
    if (!canMount()) return context.skip('mounting a small file system needs root');
    const server = await serve(content, { hidesLength: true });
    const disk = await mkdtemp(join(tmpdir(), 'argot-disk-'));
    const onDisk = { destination: join(disk, 'model.gguf'), sha256 };
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk]);
    try {
      expect(await fetchFrom(server.origin, onDisk)).toMatchObject({ ok: false, fault: { code: 'noSpace' } });
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      expect(await fetchFrom(server.origin, onDisk)).toMatchObject({ ok: false, fault: { code: 'readOnly' } });
      execFileSync('mount', ['-o', 'remount,rw,size=8m', disk]);
      expect(await fetchFrom(server.origin, onDisk)).toMatchObject({ ok: true });
      expect(hashOf(await readFile(onDisk.destination))).toBe(sha256);
    } finally {
      execFileSync('umount', [disk]);
      await rm(disk, { recursive: true });
    }
  });
});

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    execFileSync('mount', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it did not happen within 10 s');
}

/** A program that downloads, as a child that can be killed. */
async function bundle(outfile: string): Promise<void> {
  await build({
    stdin: {
      contents: `
        import { download } from './download.ts';
        import { freeOutbound } from '../network/testing/freeOutbound.ts';
        const [url, destination] = process.argv.slice(2);
        await download(
          { url, destination, magic: 'GGUF', check: async () => undefined, onProgress: () => undefined, signal: new AbortController().signal },
          await freeOutbound().open({ proxy: '', env: {} }),
        );`,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    outfile,
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
}
