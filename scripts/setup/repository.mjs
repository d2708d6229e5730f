import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/**
 * The start file of a package's command in node_modules, to be run by node.
 *
 * @param {string} file such as `vitest/vitest.mjs`
 */
export function packageFile(file) {
  return path.join(repository, 'node_modules', ...file.split('/'));
}
