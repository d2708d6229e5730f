import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { createIndexFolder } from './indexFolder.ts';

const fileCount = 120;

const text = (file: number, version: number): string =>
  Array.from(
    { length: 6 },
    (_, i) => `function work${file}Part${i}Version${version}(first, second) {\n  return first + second * ${i};\n}\n`,
  ).join('\n');

/**
 * Kills the index process at random moments of building, updating and storing, while files change, and checks after each
 * kill that a new process gives only chunks that are in the files as they are, and finds each changed file.
 */
export async function crashIndex(times: number, seed: number): Promise<void> {
  await using folder = await createIndexFolder();
  const random = numbers(seed);
  const versions = Array.from({ length: fileCount }, () => 0);
  for (const file of versions.keys()) await folder.write(`f${file}.js`, text(file, 0));
  const signal = new AbortController().signal;
  for (let round = 0; round < times; round++) {
    {
      using victim = folder.start();
      const { pid } = victim;
      for (let i = 0; i < 5; i++) {
        const file = Math.floor(random() * fileCount);
        versions[file] = round + 1;
        await folder.write(`f${file}.js`, text(file, round + 1));
        victim.changed(folder.root, [`f${file}.js`]);
      }
      // The start of a process takes some 100 ms; a build of this folder about as long again.
      await sleep(random() * 400);
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    }
    if (round % 5 !== 4 && round !== times - 1) continue;
    using survivor = folder.start();
    await survivor.ready();
    for (let i = 0; i < 8; i++) {
      const file = Math.floor(random() * fileCount);
      const version = versions[file] ?? 0;
      const before = `work${file}Part0Version${version}(`;
      const found = await survivor.query({ roots: [folder.root], before, after: '', count: 5, related: [] }, signal);
      const wanted = found.filter(({ path }) => path === `f${file}.js`);
      expect(wanted.some((chunk) => chunk.text.includes(before))).toBe(true);
      for (const chunk of found) {
        const of = Number(/^f(\d+)\.js$/.exec(chunk.path)?.[1]);
        const lines = text(of, versions[of] ?? 0).split('\n');
        expect(chunk.text).toBe(lines.slice(chunk.start, chunk.end).join('\n'));
      }
    }
    expect(survivor.logged).toEqual([]);
  }
}

/** The same numbers in [0, 1) for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
