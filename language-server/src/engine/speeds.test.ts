import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSpeeds, writeSpeed } from './speeds.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'argot-speeds-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

describe('speeds', () => {
  it('are remembered by model', async () => {
    expect(await readSpeeds(home)).toEqual({});
    await writeSpeed(home, 'a', { prefill: 500, decode: 50 });
    await writeSpeed(home, 'b', { prefill: 100, decode: 10 });
    await writeSpeed(home, 'a', { prefill: 600, decode: 60 });
    expect(await readSpeeds(home)).toEqual({ a: { prefill: 600, decode: 60 }, b: { prefill: 100, decode: 10 } });
    expect(await readdir(home)).toEqual(['speeds.json']);
  });

  it.each(['', '{', '{"version":2}', '{"version":1,"speeds":{"a":{"prefill":-1,"decode":1}}}', 'null'])(
    'that can’t be understood (%j) are set aside',
    async (text) => {
      await writeFile(join(home, 'speeds.json'), text);
      expect(await readSpeeds(home)).toEqual({});
      expect(await readFile(join(home, 'speeds.json.unreadable'), 'utf8')).toBe(text);
      expect(await writeSpeed(home, 'a', { prefill: 1, decode: 1 })).toBeUndefined();
      expect(await readSpeeds(home)).toEqual({ a: { prefill: 1, decode: 1 } });
    },
  );

  it.each([0, Number.NaN, Number.POSITIVE_INFINITY])('that are no measurement (%d) are left out', async (decode) => {
    await writeSpeed(home, 'a', { prefill: 1, decode: 1 });
    await writeSpeed(home, 'b', { prefill: 1, decode });
    expect(await readSpeeds(home)).toEqual({ a: { prefill: 1, decode: 1 } });
  });

  it('that can’t be written are a fault, not an exception', async () => {
    await rm(home, { recursive: true });
    expect(await writeSpeed(home, 'a', { prefill: 1, decode: 1 })).toMatchObject({ code: 'disk' });
  });
});
