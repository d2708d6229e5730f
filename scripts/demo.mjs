// `npm run demo`: a team on one machine, as processes of its own, with real authors' code.
import path from 'node:path';
import { foreground } from './setup/commands.mjs';
import { runMain } from './setup/failure.mjs';
import { withNode } from './setup/node24.mjs';
import { repository } from './setup/repository.mjs';
import { provideTrainer } from './setup/trainer.mjs';
import { setUpProduct } from './setup.mjs';

await runMain(async () => {
  const { node, model } = await setUpProduct();
  await provideTrainer();
  const main = path.join(repository, 'bench', 'demo.ts');
  return foreground(node, [main, ...process.argv.slice(2)], { env: { ...withNode(node), ARGOT_MODEL_PATH: model } });
});
