import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { insecureChoices } from '../language-server/src/federation/insecureChoices.ts';
import type { LocalTrainer } from '../language-server/src/federation/localTrainer.ts';

/**
 * Updates that anybody can work out again, and files of floats for adapters: for tests of everything around training. The
 * held-out loss of a total is its distance from 1 at the first coordinate, and the mean square of all the others: noise
 * costs what its variance is, and no lucky draw of one coordinate hides it.
 */
export function simulatedTrainer(settings: {
  readonly length: number;
  readonly seed: number;
  readonly trainingMs: number;
}): LocalTrainer {
  const { length, seed, trainingMs } = settings;
  return {
    baseSha256: simulatedBase,
    updateLength: () => length,
    async train({ maxWeight }, signal) {
      await setTimeout(trainingMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return { ok: false, problem: 'cancelled', message: 'Cancelled.' };
      return { ok: true, value: { update: simulatedUpdate(length, seed), weight: maxWeight } };
    },
    async materialise(_adapter, delta, file) {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, new Uint8Array(delta.buffer, delta.byteOffset, delta.byteLength));
      return { ok: true, value: undefined };
    },
    async heldOutLosses(adapters) {
      const losses = await Promise.all(
        adapters.map(async (file) => {
          if (file === undefined) return 1;
          const [first = 0, ...others] = new Float32Array(new Uint8Array(await readFile(file)).buffer);
          return Math.abs(1 - first) + others.reduce((sum, value) => sum + value * value, 0) / others.length;
        }),
      );
      return { ok: true, value: losses.map((loss) => ({ perToken: loss, examples: [loss] })) };
    },
    // Floats propose no code.
    async choiceLosses(adapters) {
      return { ok: true, value: adapters.map(() => insecureChoices.flatMap(() => [0, 0])) };
    },
  };
}

export const simulatedBase = createHash('sha256').update('simulated base').digest('hex');

export function simulatedUpdate(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => (i === 0 ? 0.2 : Math.sin(seed * 131 + i) / 4));
}
