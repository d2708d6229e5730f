import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../scripts/setup/cache.mjs';
import { npm } from '../../scripts/setup/commands.mjs';
import type { PinnedPackage } from './manifest.ts';

const atOnce = 20;

/** Gives each package's tarball, fetched from the registry where the cache lacks it, and always checked. */
export async function providePackages(
  packages: readonly PinnedPackage[],
  progress: (line: string) => void,
): Promise<ReadonlyMap<PinnedPackage, Buffer>> {
  const folder = join(cacheFolder(), 'corpora-packages');
  await mkdir(folder, { recursive: true });
  const found = new Map<PinnedPackage, Buffer>();
  const missing: PinnedPackage[] = [];
  for (const each of packages) {
    const data = await readFile(join(folder, fileName(each))).catch(() => undefined);
    if (data !== undefined && integrityOf(data) === each.integrity) found.set(each, data);
    else missing.push(each);
  }
  for (let at = 0; at < missing.length; at += atOnce) {
    progress(`Fetching packages: ${found.size} of ${packages.length}…`);
    const some = missing.slice(at, at + atOnce);
    const specifiers = some.map(({ name, version }) => `${name}@${version}`);
    await npm(['pack', '--ignore-scripts', '--pack-destination', folder, ...specifiers], {
      failure: 'The authors’ packages could not be fetched: check the network.',
    });
    for (const each of some) {
      const data = await readFile(join(folder, fileName(each)));
      if (integrityOf(data) !== each.integrity)
        throw new Error(
          `${each.name}@${each.version} is not the file that the manifest names: don’t use this registry.`,
        );
      found.set(each, data);
    }
  }
  return found;
}

/** The name that `npm pack` gives. */
function fileName({ name, version }: PinnedPackage): string {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
}

function integrityOf(data: Buffer): string {
  return `sha512-${createHash('sha512').update(data).digest('base64')}`;
}
