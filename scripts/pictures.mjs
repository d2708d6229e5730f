// `node scripts/pictures.mjs` takes the pictures of the walkthrough anew, in the real editor.
import path from 'node:path';
import { foreground } from './setup/commands.mjs';
import { runMain } from './setup/failure.mjs';
import { withNode } from './setup/node24.mjs';
import { repository } from './setup/repository.mjs';
import { setUpTests } from './setup.mjs';

await runMain(async () => {
  const { node } = await setUpTests();
  const script = path.join(repository, 'test', 'vscode', 'pictures.ts');
  return foreground(node, [script], { env: withNode(node) });
});
