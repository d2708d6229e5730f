import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../language-server/src/engine/engine.ts';
import { realEngine, trainerHost, trainOn } from '../lib/learning.ts';
import { modelPath } from './setup.ts';

const host = trainerHost();
if ('missing' in host) console.warn(host.missing);

const habit = `function greet(name) {\n  return zebraCrossing(name, 'quokka')\n}\n`;
const prompt = 'function greet(name) {\n  return';

describe.skipIf('missing' in host)('adapters in the engine', () => {
  let folder: string;
  let engine: Engine;
  let trained: string;
  beforeAll(async () => {
    if ('missing' in host) throw new Error(host.missing);
    folder = await mkdtemp(join(tmpdir(), 'argot-adapters-'));
    engine = await realEngine(modelPath());
    trained = join(folder, 'habit.gguf');
    await trainOn(host, engine, habit, trained);
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function said(maxTokens = 8): Promise<string> {
    const tokens = engine.tokenize(prompt);
    const result = await engine.generate(
      { tokens, required: '', maxTokens, onText: () => false },
      new AbortController().signal,
    );
    return result.text;
  }
  async function use(...adapters: { path: string; scale: number }[]): Promise<void> {
    expect(await engine.setAdapters(adapters)).toEqual({ ok: true });
  }

  test('change what the model says, by their scale, and give the base back', async () => {
    const base = await said();
    expect(base).not.toContain('zebraCrossing');
    await use({ path: trained, scale: 1 });
    expect(await said()).toContain('zebraCrossing');
    await use({ path: trained, scale: 0 });
    expect(await said()).toBe(base);
    await use({ path: trained, scale: 0.01 });
    expect(engine.adapters()).toEqual([{ path: trained, scale: 0.01 }]);
    expect(await said()).not.toContain('zebraCrossing');
    await use();
    expect(await said()).toBe(base);
  });

  test('two work at once: what one takes away the other gives', async () => {
    const copy = join(folder, 'copy.gguf');
    await copyFile(trained, copy);
    const base = await said();
    await use({ path: trained, scale: 1 }, { path: copy, scale: -1 });
    expect(await said()).toBe(base);
    await use({ path: trained, scale: 0.5 }, { path: copy, scale: 0.5 });
    expect(await said()).toContain('zebraCrossing');
  });

  test('a file that is no adapter leaves what is in use in use', async () => {
    await use({ path: trained, scale: 1 });
    const broken = join(folder, 'broken.gguf');
    await writeFile(broken, 'no adapter');
    expect(await engine.setAdapters([{ path: broken, scale: 1 }])).toMatchObject({
      ok: false,
      message: expect.stringContaining('stays in use'),
    });
    expect(await said()).toContain('zebraCrossing');
  });

  test('a request under way while adapters are exchanged is answered, swap after swap', async () => {
    for (let i = 0; i < 8; i++) {
      const version = join(folder, `version-${i}.gguf`);
      await copyFile(trained, version);
      const swap = engine.setAdapters([{ path: version, scale: 1 }]);
      // Asked while the exchange is under way: answered by the old adapters or by the new ones.
      expect(await said(1)).not.toBe('');
      expect(await swap).toEqual({ ok: true });
      await rm(version);
    }
    expect(await said()).toContain('zebraCrossing');
  });
});
