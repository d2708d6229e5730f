import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownMemoryMiB, realEngine, trainerHost, trainOn } from '../lib/learning.ts';
import { modelPath } from '../processes/setup.ts';

const habit = `function greet(name) {\n  return zebraCrossing(name, 'quokka')\n}\n`;

test.skipIf(process.platform !== 'linux')('fifty swaps of adapters cost no memory that stays', async () => {
  const host = trainerHost();
  if ('missing' in host) throw new Error(host.missing);
  const folder = await mkdtemp(join(tmpdir(), 'argot-swaps-'));
  await using engine = await realEngine(modelPath());
  try {
    const trained = join(folder, 'habit.gguf');
    await trainOn(host, engine, habit, trained);
    // The first exchanges of weights fill the allocator's pools; what grows after those would grow for ever.
    let settled = 0;
    for (let i = 0; i < 50; i++) {
      const version = join(folder, `version-${i}.gguf`);
      await copyFile(trained, version);
      expect(await engine.setAdapters([{ path: version, scale: 1 }])).toEqual({ ok: true });
      const request = { tokens: engine.tokenize('function greet('), required: '', maxTokens: 1, onText: () => false };
      await engine.generate(request, new AbortController().signal);
      await rm(version);
      if (i === 19) settled = ownMemoryMiB();
    }
    const grown = ownMemoryMiB() - settled;
    console.info(`Own memory grew by ${grown.toFixed(0)} MiB between the 20th and the 50th swap.`);
    expect(grown).toBeLessThan(60);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
