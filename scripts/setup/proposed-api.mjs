import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SetupFailure } from './failure.mjs';

/** The bundles of the editor in which the check is compiled. */
const bundles = [
  'out/vs/workbench/api/node/extensionHostProcess.js',
  'out/vs/workbench/api/worker/extensionHostWorkerMain.js',
  'out/vs/code/browser/workbench/workbench.js',
];

/**
 * The check for proposed API, which code-server makes true for everybody; the function after it, which throws when the
 * check fails, is how it is told from other functions that return true.
 */
const openGate =
  /function (?<name>[\w$]+)\((?<extension>[\w$]+),(?<proposal>[\w$]+)\)\{return!0\}(?=function [\w$]+\([\w$]+,[\w$]+\)\{if\(!\k<name>\([\w$]+,[\w$]+\)\)throw new Error\(`Extension )/g;

/**
 * Closes the gate in one bundle's text, and says how often it stood open.
 *
 * @param {string} code
 */
export function closeGate(code) {
  let count = 0;
  const closed = code.replace(openGate, (_match, name, extension, proposal) => {
    count++;
    return `function ${name}(${extension},${proposal}){return!!${extension}.enabledApiProposals?.includes(${proposal})}`;
  });
  return { code: closed, count };
}

/**
 * Makes code-server refuse proposed API as VS Code does: what would throw there must throw in the tests.
 *
 * @param {string} editor the folder with the editor's `out`
 */
export async function restoreProposedApiGate(editor) {
  for (const bundle of bundles) {
    const file = path.join(editor, ...bundle.split('/'));
    const { code, count } = closeGate(await readFile(file, 'utf8'));
    if (count === 0) {
      throw new SetupFailure(
        `The check for proposed API was not found in ${bundle} of this code-server: adapt scripts/setup/proposed-api.mjs to its version.`,
      );
    }
    await writeFile(file, code);
  }
}
