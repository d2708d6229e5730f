import { buildNative, findBuilt } from '../../native/build.mjs';
import { SetupFailure } from './failure.mjs';
import { step } from './progress.mjs';

/** The trainer in dist/native. Without a compiler everything but learning works, so that is said and no more. */
export async function provideTrainer() {
  await step(
    'trainer',
    async () => ((await findBuilt()) === undefined ? undefined : true),
    async (note) => {
      const built = await buildNative({ log: note });
      if (built.ok) return true;
      if (built.kind === 'broken') throw new SetupFailure(built.missing);
      process.stderr.write(`  ${built.missing}\n`);
      return true;
    },
  );
}
