import { learningStateRequest, type TrainingResult, trainNowRequest } from '#protocol/learningRuns.ts';
import type { AdapterUse } from '../../language-server/src/engine/adapters.ts';
import { openUserStore } from '../../language-server/src/store/userStore.ts';
import { connectTo } from '../../test/lib/client.ts';
import { startServer } from '../../test/lib/server.ts';
import { modelPath } from '../lib/product.ts';
import { type Day, type DayTotals, type Place, typeDay } from './developer.ts';

/** What stays of the days so far: examples, adapters and what of them is in use lie in `home`. */
export interface Workplace {
  readonly home: string;
  /** Typed from the front; a day takes away what it types. */
  readonly places: Place[];
  /** Changes to how the server trains. */
  readonly training: object;
}

export interface Night {
  readonly outcome: TrainingResult['kind'];
  /** What the server said of it. */
  readonly message: string;
  /** What is in use from now on, in the home's folder; undefined is the base model. */
  readonly adapter?: AdapterUse;
}

const settings = () => ({ model: modelPath(), gpu: 'off', training: 'manual' });

async function withServer<T>({ home, training }: Workplace, work: (client: Client) => Promise<T>): Promise<T> {
  await using server = await startServer({
    home,
    env: { ARGOT_TRAINING: JSON.stringify({ tickMs: 1e9, ...training }) },
  });
  await using client = await connectTo(server, { settings: settings() });
  await client.statuses.until(({ state }) => state === 'ready', 60_000);
  return await work(client);
}
type Client = Awaited<ReturnType<typeof connectTo>>;

/** From morning on: a server of its own completes with what was learnt so far. */
export function liveADay(
  workplace: Workplace,
  day: number,
  hasEnded: (totals: Readonly<DayTotals>) => boolean,
): Promise<Day> {
  const about = { firstMs: Date.UTC(2026, 0, 1 + day), prefix: `day-${day}` };
  return withServer(workplace, (client) => typeDay(client, workplace.places, hasEnded, about));
}

/** The day's examples go to the store, and the server trains on all of them and judges. */
export async function liveANight(workplace: Workplace, { examples }: Pick<Day, 'examples'>): Promise<Night> {
  {
    await using user = await openUserStore(workplace.home, new AbortController().signal);
    for (const example of examples) await user.store.add(example);
  }
  return withServer(workplace, async ({ connection }) => {
    const { kind: outcome, message } = await connection.sendRequest(trainNowRequest, null);
    const { versions } = await connection.sendRequest(learningStateRequest, null);
    const active = versions.find(({ scale }) => scale !== undefined);
    if (active?.scale === undefined) return { outcome, message };
    const path = `${workplace.home}/adapters/${active.id}.gguf`;
    return { outcome, message, adapter: { path, scale: active.scale } };
  });
}
