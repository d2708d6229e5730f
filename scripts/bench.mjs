// `npm run bench -- NAME …`: runs bench/NAME.ts with the remaining arguments. Its stdout is left untouched.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { exists } from './setup/cache.mjs';
import { foreground } from './setup/commands.mjs';
import { runMain, SetupFailure } from './setup/failure.mjs';
import { withNode } from './setup/node24.mjs';
import { repository } from './setup/repository.mjs';
import { setUpProduct } from './setup.mjs';

await runMain(async () => {
  const [name, ...args] = process.argv.slice(2);
  const file = path.join(repository, 'bench', `${name}.ts`);
  if (name === undefined || !/^[\w-]+$/.test(name) || !(await exists(file))) {
    throw new SetupFailure(
      `Name a benchmark, as in “npm run bench -- latency --json”. There are: ${(await benchmarks()).join(', ')}.`,
    );
  }
  const { node, model } = await setUpProduct();
  return foreground(node, [file, ...args], { env: { ...withNode(node), ARGOT_MODEL_PATH: model } });
});

async function benchmarks() {
  const files = await readdir(path.join(repository, 'bench'));
  return files.filter((file) => /^[\w-]+\.ts$/.test(file)).map((file) => file.replace(/\.ts$/, ''));
}
