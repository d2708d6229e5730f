import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../language-server/src/learning/seededRandom.ts';
import { openUserStore } from '../../language-server/src/store/userStore.ts';
import { connectTo } from './client.ts';
import { habitualExamples } from './examples.ts';
import { childOf, inspect } from './killLearning.ts';
import { createHome, startServer } from './server.ts';

export interface ServerKillReport {
  readonly kills: number;
  readonly trainerKills: number;
  /** Kills at a moment when a trainer ran. */
  readonly whileTraining: number;
  readonly withActive: number;
  readonly violations: readonly string[];
}

/** Runs start by themselves, at once, and take seconds. */
const training = JSON.stringify({
  ...{ sequence: 128, lowPriority: false, probeTokens: 500, checkpointEverySteps: 2 },
  ...{ enoughNew: 1, idleMs: 0, restMs: 0, tickMs: 300 },
});

/**
 * The real server with a real model: each time it is started it completes and begins to learn by itself, and is killed, or
 * its trainer and then it, with SIGKILL at a random moment. Between two starts one more example is stored.
 */
export async function killServer(model: string, kills: number, seed: number): Promise<ServerKillReport> {
  await using home = await createHome([model]);
  const random = seededRandom(seed);
  const violations: string[] = [];
  let [trainerKills, whileTraining, withActive] = [0, 0, 0];
  const examples = habitualExamples(14 + kills);
  for (let i = 0; i < kills; i++) {
    const complain = (what: string) => violations.push(`kill ${i}: ${what}`);
    {
      await using user = await openUserStore(home.path, new AbortController().signal);
      const { total } = await user.store.counts();
      if (total !== (i === 0 ? 0 : 13 + i)) complain(`${total} examples are left`);
      // New since the last run, so that another begins.
      const createdAtMs = Date.now();
      for (const example of examples.slice(total, 14 + i)) await user.store.add({ ...example, createdAtMs });
    }
    await using server = await startServer({ home: home.path, env: { ARGOT_TRAINING: training } });
    const client = await connectTo(server, { settings: { model, gpu: 'off' } });
    const ready = await client.statuses.until(({ state }) => state === 'ready' || state === 'problem', 60_000);
    if (ready.state === 'problem') complain(ready.problem?.message ?? 'the model is not there');
    const document = await client.open({ uri: 'file:///w/a.js', languageId: 'javascript', text: 'const a = ' });
    await client.complete(document, 10);
    await sleep(random() * 15_000);
    const trainer = await childOf(server.pid);
    if (trainer !== undefined) whileTraining++;
    if (trainer !== undefined && random() < 0.4) {
      trainerKills++;
      process.kill(trainer, 'SIGKILL');
      await sleep(random() * 500);
      if (server.ended() !== undefined) complain('the server went with its trainer');
    }
    server.kill('SIGKILL');
    await server.exited();
    await client.closed();
    withActive += await inspect(home.path, complain);
  }
  return { kills, trainerKills, whileTraining, withActive, violations };
}
