import { createHash } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from './commands.mjs';
import { step } from './progress.mjs';
import { repository } from './repository.mjs';

const sources = [
  'extension/src',
  'language-server/src',
  'protocol/src',
  'webview/src',
  'scripts/build.mjs',
  'package.json',
  'package-lock.json',
];
const stampFile = path.join(repository, 'dist', '.built');

/** The bundles in dist/, rebuilt when any source differs from those that they were built from. */
export async function buildBundles() {
  const fingerprint = await hashSources();
  await step(
    'build',
    async () => ((await readFile(stampFile, 'utf8').catch(() => '')) === fingerprint ? true : undefined),
    async () => {
      await run(process.execPath, [path.join(repository, 'scripts', 'build.mjs')], {
        cwd: repository,
        failure: 'The build failed: correct the errors above and run the command again.',
      });
      await writeFile(stampFile, fingerprint);
      return true;
    },
  );
}

async function hashSources() {
  const hash = createHash('sha256');
  for (const source of sources) {
    for (const file of await filesUnder(path.join(repository, source))) {
      hash.update(path.relative(repository, file)).update('\0');
      hash.update(await readFile(file)).update('\0');
    }
  }
  return hash.digest('hex');
}

/**
 * @param {string} place a file or a folder
 * @returns {Promise<string[]>}
 */
async function filesUnder(place) {
  if (!(await stat(place)).isDirectory()) return place.endsWith('.test.ts') ? [] : [place];
  const names = (await readdir(place)).sort();
  return (await Promise.all(names.map((name) => filesUnder(path.join(place, name))))).flat();
}
