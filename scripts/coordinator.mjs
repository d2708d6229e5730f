// `npm run coordinator`: the federation server, with nothing but Node; `-- lead …` are the lead's commands.
import path from 'node:path';
import { foreground } from './setup/commands.mjs';
import { coordinatorEnvironment } from './setup/coordinatorStart.mjs';
import { runMain } from './setup/failure.mjs';
import { provideNode24, withNode } from './setup/node24.mjs';
import { repository } from './setup/repository.mjs';
import { setUpDependencies } from './setup.mjs';

await runMain(async () => {
  await setUpDependencies();
  const node = await provideNode24();
  const main = path.join(repository, 'coordinator', 'src', 'main.ts');
  return foreground(node, [main, ...process.argv.slice(2)], {
    env: { ...withNode(node), ...coordinatorEnvironment },
  });
});
