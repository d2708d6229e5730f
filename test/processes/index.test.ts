import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { crashIndex } from '../lib/indexCrashes.ts';
import { createIndexFolder } from '../lib/indexFolder.ts';

const signal = new AbortController().signal;

test('a branch switch under the index is seen, file by file and as a whole', async () => {
  await using folder = await createIndexFolder();
  await folder.write('a.js', 'function onMainBranch(left) {\n  return left;\n}\n');
  await folder.write('b.js', 'function removedElsewhere(left) {\n  return left;\n}\n');
  using client = folder.start();
  await client.ready();
  const find = async (name: string) =>
    (await client.query({ roots: [folder.root], before: `${name}(`, after: '', count: 3, related: [] }, signal)).map(
      ({ path }) => path,
    );
  expect(await find('onMainBranch')).toEqual(['a.js']);
  await folder.write('a.js', 'function otherBranchWork(left) {\n  return left;\n}\n');
  await rm(join(folder.root, 'b.js'));
  await folder.write('c/d.js', 'class BrandNewThing {}\n');
  client.changed(folder.root, ['a.js', 'b.js', 'c/d.js']);
  await expect.poll(() => find('otherBranchWork')).toEqual(['a.js']);
  expect(await find('removedElsewhere')).toEqual([]);
  expect(await find('BrandNewThing')).toEqual(['c/d.js']);
  await folder.write('e.js', 'class UntoldStory {}\n');
  client.rescan(folder.root);
  await expect.poll(() => find('UntoldStory')).toEqual(['e.js']);
});

test('a process that is killed is started again and knows what it knew', async () => {
  await using folder = await createIndexFolder();
  await folder.write('a.js', 'function keepsItsName(left) {\n  return left;\n}\n');
  using client = folder.start();
  await client.ready();
  client.overlay(folder.root, 'a.js', 'function typedButNotSaved(left) {\n  return left;\n}\n');
  const { pid } = client;
  if (pid === undefined) throw new Error('The index process has no pid.');
  process.kill(pid, 'SIGKILL');
  const query = { roots: [folder.root], before: 'typedButNotSaved(', after: '', count: 3, related: [] };
  await expect.poll(async () => (await client.query(query, signal)).length, { timeout: 10_000 }).toBe(1);
  expect(client.pid).not.toBe(pid);
});

test('killed at random points, an index is never wrong', () => crashIndex(10, 17));
