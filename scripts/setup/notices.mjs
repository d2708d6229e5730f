import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { SetupFailure } from './failure.mjs';
import { repository } from './repository.mjs';

/**
 * The licences of the packages whose code is inside the bundles; packages that are shipped as they are keep their own
 * file.
 *
 * @param {readonly string[]} places such as `node_modules/zod`
 */
export async function notices(places) {
  const parts = await Promise.all(places.map(notice));
  return `Argot contains code of these packages.\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

/** @param {string} place */
async function notice(place) {
  const folder = path.join(repository, place);
  const { name, version, license } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  if (files.length === 0 && typeof license !== 'string') {
    throw new SetupFailure(
      `${name} states no licence: find out what it is, or leave the package, before Argot ships its code.`,
    );
  }
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')));
  return `${name} ${version} (${license})\n\n${texts.map((text) => `${text.trim()}\n`).join('\n')}`;
}
