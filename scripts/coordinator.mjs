// `npm run coordinator`: the federation server, with nothing but Node; `-- lead …` are the lead's commands, of which one trains.
import path from 'node:path';
import { foreground } from './setup/commands.mjs';
import { coordinatorEnvironment } from './setup/coordinatorStart.mjs';
import { runMain } from './setup/failure.mjs';
import { provideNode24, withNode } from './setup/node24.mjs';
import { repository } from './setup/repository.mjs';
import { provideTrainer } from './setup/trainer.mjs';
import { setUpDependencies } from './setup.mjs';

await runMain(async () => {
  await setUpDependencies();
  const node = await provideNode24();
  const args = process.argv.slice(2);
  const trains = args[0] === 'lead' && args[1] === 'start-from-code';
  if (trains) await provideTrainer();
  const main = trains ? ['demo', 'startFromCode.ts'] : ['coordinator', 'src', 'main.ts'];
  return foreground(node, [path.join(repository, ...main), ...(trains ? args.slice(2) : args)], {
    env: { ...withNode(node), ...coordinatorEnvironment },
  });
});
