// `node scripts/pictures.mjs` takes the pictures of the walkthrough and the dashboard anew, in the real editor;
// `node scripts/pictures.mjs dashboardPictures` those of one script alone.
import path from 'node:path';
import { foreground } from './setup/commands.mjs';
import { runMain } from './setup/failure.mjs';
import { withNode } from './setup/node24.mjs';
import { repository } from './setup/repository.mjs';
import { setUpTests } from './setup.mjs';

await runMain(async () => {
  const { node } = await setUpTests();
  const [only] = process.argv.slice(2);
  for (const name of only === undefined ? ['pictures', 'dashboardPictures'] : [only]) {
    const script = path.join(repository, 'test', 'vscode', `${name}.ts`);
    const code = await foreground(node, [script], { env: withNode(node) });
    if (code !== 0) return code;
  }
  return 0;
});
