// `npm run package -- --target linux-x64`: an installable package for one platform.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runMain, SetupFailure } from './setup/failure.mjs';
import { step } from './setup/progress.mjs';
import { repository } from './setup/repository.mjs';
import { binaryPackages, stage } from './setup/stage.mjs';
import { setUpBuild } from './setup.mjs';

/** Without a model. Marketplaces and slow networks thank for it. */
const maxBytes = 20_000_000;

await runMain(async () => {
  const { target, out } = readOptions();
  await setUpBuild();
  const file = await step(
    `package for ${target}`,
    async () => undefined,
    (note) => makePackage(target, out, note),
  );
  const { size } = await stat(file);
  const megabytes = (size / 1e6).toFixed(1);
  if (size > maxBytes) {
    await rm(file);
    throw new SetupFailure(
      `The package for ${target} would have ${megabytes} MB, more than ${maxBytes / 1e6} MB: see in scripts/setup/stage.mjs what it holds.`,
    );
  }
  process.stdout.write(`${file} (${megabytes} MB)\n`);
  return 0;
});

function readOptions() {
  const targets = Object.keys(binaryPackages);
  const usage = `Usage: npm run package -- --target ${targets.join('|')} [--out FOLDER]`;
  let values;
  try {
    ({ values } = parseArgs({ options: { target: { type: 'string' }, out: { type: 'string' } } }));
  } catch (error) {
    throw new SetupFailure(`${error instanceof Error ? error.message.split('. ')[0] : error}.\n${usage}`);
  }
  const target = targets.find((each) => each === values.target);
  if (target === undefined) {
    throw new SetupFailure(
      `${values.target === undefined ? '--target is missing' : `There is no target “${values.target}”`}.\n${usage}`,
    );
  }
  const out = path.resolve(process.env.INIT_CWD ?? process.cwd(), values.out ?? repository);
  return { target: /** @type {import('./setup/stage.mjs').Target} */ (target), out };
}

/**
 * @param {import('./setup/stage.mjs').Target} target
 * @param {string} out
 * @param {(line: string) => void} note
 */
async function makePackage(target, out, note) {
  const folder = await mkdtemp(path.join(tmpdir(), 'argot-package-'));
  try {
    await stage(folder, target, note);
    const { name, version } = createRequire(import.meta.url)('../package.json');
    const file = path.join(out, `${name}-${target}-${version}.vsix`);
    // Loaded late: it is one of the dependencies that this command may have just installed.
    const { createVSIX } = await import('@vscode/vsce');
    await createVSIX({
      cwd: folder,
      packagePath: file,
      target,
      dependencies: false,
      allowMissingRepository: true,
      rewriteRelativeLinks: false,
    }).catch((error) => {
      throw new SetupFailure(`The packager refuses what was staged: ${error instanceof Error ? error.message : error}`);
    });
    return file;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
