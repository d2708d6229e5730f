import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { serverStart } from '../../extension/src/launch.ts';
import { realEngine, trainerHost, trainOn } from '../lib/learning.ts';
import { modelPath } from '../processes/setup.ts';

const habit = `function greet(name) {\n  return zebraCrossing(name, 'quokka')\n}\n`;
const program = fileURLToPath(new URL('../lib/swapAdapters.ts', import.meta.url));

test.skipIf(process.platform !== 'linux')('eighty swaps of adapters cost no memory that stays', async () => {
  const host = trainerHost();
  if ('missing' in host) throw new Error(host.missing);
  const folder = await mkdtemp(join(tmpdir(), 'argot-swaps-'));
  try {
    const trained = join(folder, 'habit.gguf');
    {
      await using engine = await realEngine(modelPath());
      await trainOn(host, engine, habit, trained);
    }
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...serverStart.arguments, program, modelPath(), trained, folder, '80'],
      { env: { ...process.env, ...serverStart.environment } },
    );
    const memory = stdout.trim().split('\n').map(Number);
    console.info(`Own memory in MiB after each tenth swap: ${memory.filter((_, i) => i % 10 === 9).join(', ')}.`);
    expect(memory).toHaveLength(80);
    // The first exchanges of weights fill the allocator's pools; what grows after those would grow for ever.
    const highest = (from: number, to: number) => Math.max(...memory.slice(from, to));
    expect(highest(60, 80) - highest(20, 40)).toBeLessThan(30);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
