import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Link, linkFields } from '#protocol/chain.ts';
import { type ChainFile, chainFile, LedgerBroken } from './chainFile.ts';

const schema = z.strictObject({ ...linkFields, word: z.string() });
type Entry = z.infer<typeof schema>;

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-chain-'));
  path = join(folder, 'ledger', 'words.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

function opened(copies: readonly string[] = []): ChainFile<Entry> {
  return chainFile({ path, schema, name: 'The ledger of words', now: () => 7, copies: () => copies });
}

const add = (file: ChainFile<Entry>, word: string) => file.append((link: Link) => ({ ...link, word }));
const words = async (file: ChainFile<Entry>) => (await file.read()).map(({ word }) => word);

describe('a chain in a file', () => {
  it('keeps what several writers at once append, in one order', async () => {
    const [a, b] = [opened(), opened()];
    await Promise.all([...'123456'].map((word, i) => add(i % 2 === 0 ? a : b, word)));
    const all = await words(opened());
    expect([...all].sort()).toEqual([...'123456']);
    expect((await a.read()).map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('drops a torn last line, and goes on', async () => {
    await add(opened(), 'one');
    await appendFile(path, '{"index":1,"wor');
    const next = opened();
    await add(next, 'two');
    expect(await words(next)).toEqual(['one', 'two']);
  });

  it.each<[string, () => Promise<void>]>([
    ['a changed word', async () => writeFile(path, (await readFile(path, 'utf8')).replace('two', 'owt'))],
    ['a missing line', async () => writeFile(path, (await readFile(path, 'utf8')).replace(/.*two.*\n/, ''))],
    ['a file cut short at a line', async () => truncate(path, (await readFile(path, 'utf8')).indexOf('\n') + 1)],
    ['a file that is gone', () => rm(path)],
    ['another file', async () => writeFile(path, '')],
  ])('appends nothing more after %s', async (_, damage) => {
    const file = opened();
    for (const word of ['one', 'two', 'three']) await add(file, word);
    await damage();
    await expect(add(opened(), 'four')).rejects.toThrow(LedgerBroken);
    await expect(opened().read()).rejects.toThrow(/ledger of words/);
  });

  it('writes each line to the copies first, and fails where it can’t', async () => {
    const copy = join(folder, 'copy.jsonl');
    await add(opened([copy]), 'one');
    expect(await readFile(copy, 'utf8')).toBe(await readFile(path, 'utf8'));
    await expect(add(opened([join(folder, 'no', 'such', 'folder')]), 'two')).rejects.toThrow('ENOENT');
    expect(await words(opened())).toEqual(['one']);
  });

  it('is left as it was by an entry that its maker declines', async () => {
    const file = opened();
    await add(file, 'one');
    await expect(
      file.append(async (_, before) => {
        throw new Error(`not after ${(await before())[0]?.word}`);
      }),
    ).rejects.toThrow('not after one');
    expect(await words(file)).toEqual(['one']);
  });
});
