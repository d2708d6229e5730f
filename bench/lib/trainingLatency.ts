import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGivingWay } from '../../language-server/src/learning/givingWay.ts';
import { findTrainer, startTrainer } from '../../language-server/src/learning/trainer.ts';
import { trainerCommands } from '../../language-server/src/learning/trainerMessages.ts';
import { trainingOptionsSchema } from '../../language-server/src/learning/trainingPlan.ts';
import { rounded } from './measure.ts';
import { createOurSide } from './ourSide.ts';
import { ready, startProduct } from './product.ts';
import { createRandom } from './random.ts';
import { createPlayer, type Played, type Segment } from './replay.ts';
import { summary } from './report.ts';

/**
 * The same replay through two servers, one of which has a trainer beside it that the product's options start and the
 * product's rule pauses; by turns, and the trainer stands still while it is the other's turn.
 */
export async function latencyWhileTraining(
  model: string,
  segments: readonly Segment[],
  root: string,
  progress: (line: string) => void,
  signal: AbortSignal,
) {
  const projects = [...new Set(segments.map(({ trace }) => trace.name))];
  await using quiet = await startProduct(model, projects, { trusted: false });
  await using busy = await startProduct(model, projects, { trusted: false });
  await Promise.all([ready(quiet), ready(busy)]);
  const options = trainingOptionsSchema.parse({});
  await using training = await trainInBackground(model, root, options, signal);
  const givingWay = createGivingWay(options.pauseMs);
  const side = createOurSide(busy.client);
  const busyPlayer = createPlayer({
    ...side,
    key: (path, edit) => {
      givingWay.typed();
      return side.key(path, edit);
    },
  });
  const quietPlayer = createPlayer(createOurSide(quiet.client));
  const played: { readonly alone: Played[]; readonly training: Played[] } = { alone: [], training: [] };
  const turns = [
    async (segment: Segment) => played.alone.push(...(await quietPlayer.play(segment, signal))),
    async (segment: Segment) => {
      training.run.resume();
      givingWay.train(training.run);
      played.training.push(...(await busyPlayer.play(segment, signal)));
      givingWay.train(undefined);
      training.run.pause();
    },
  ];
  for (const [index, segment] of segments.entries()) {
    for (const turn of index % 2 === 0 ? turns : turns.toReversed()) await turn(segment);
    const [alone, beside] = [summary(played.alone), summary(played.training)];
    progress(`${index + 1} of ${segments.length} segments: p95 ${alone.p95Ms} ms, while training ${beside.p95Ms} ms`);
  }
  givingWay.close();
  const [alone, beside] = [summary(played.alone), summary(played.training)];
  return {
    p95GrowthWhileTraining: rounded(beside.p95Ms / alone.p95Ms - 1, 3),
    p95Ms: alone.p95Ms,
    p95MsWhileTraining: beside.p95Ms,
    p50Ms: alone.p50Ms,
    p50MsWhileTraining: beside.p50Ms,
    requests: played.training.length,
    /** Steps that were trained meanwhile: 0 would mean that it never ran. */
    trainedSteps: training.steps(),
  };
}

async function trainInBackground(
  model: string,
  root: string,
  { threads, lowPriority, sequence }: ReturnType<typeof trainingOptionsSchema.parse>,
  signal: AbortSignal,
) {
  const host = findTrainer(root, process.platform, process.arch);
  if ('missing' in host) throw new Error(host.missing);
  const folder = await mkdtemp(join(tmpdir(), 'argot-bench-'));
  const random = createRandom(1);
  const lines = Array.from({ length: 8 }, () =>
    JSON.stringify({ tokens: Array.from({ length: sequence }, () => Math.floor(random() * 32_000)) }),
  );
  const data = join(folder, 'data.jsonl');
  await writeFile(data, `${lines.join('\n')}\n`);
  const stopping = new AbortController();
  let steps = 0;
  const request = { model, data, delta: join(folder, 'delta'), sequence, threads, lowPriority, steps: 1_000_000 };
  const run = startTrainer(
    host,
    trainerCommands.train,
    request,
    AbortSignal.any([signal, stopping.signal]),
    ({ event }) => {
      if (event === 'step') steps++;
    },
  );
  return {
    run,
    steps: () => steps,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await run.outcome;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
