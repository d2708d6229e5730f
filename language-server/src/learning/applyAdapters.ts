import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineState } from '../engine/modelHost.ts';
import { createQueue } from '../engine/queue.ts';
import type { AdapterVersions } from './adapterVersions.ts';
import { adapterBase } from './baseModel.ts';
import type { TrainingOptions } from './trainingPlan.ts';

export interface ApplyAdaptersDeps {
  readonly home: string;
  readonly engine: () => EngineState;
  readonly versions: AdapterVersions;
  readonly options: Pick<TrainingOptions, 'swapPauseMs'>;
  /** When the developer last typed. */
  readonly typedAt: () => number;
  readonly closing: AbortSignal;
  readonly now: () => number;
  readonly log: (message: string) => void;
}

const latestSwapMs = 30_000;

/**
 * Gives the engine the active adapters of its model. They are exchanged while nobody types, since that costs the evaluated
 * prompts; in half a minute at the latest.
 */
export function createApplyAdapters(deps: ApplyAdaptersDeps): () => Promise<void> {
  const { home, versions, options, typedAt, closing, now, log } = deps;
  const enqueue = createQueue();

  async function pauseInTyping(): Promise<void> {
    const deadline = now() + latestSwapMs;
    for (;;) {
      const waitMs = Math.min(typedAt() + options.swapPauseMs, deadline) - now();
      if (!(waitMs > 0) || closing.aborted) return;
      await sleep(waitMs, undefined, { signal: closing }).catch(() => undefined);
    }
  }

  return () =>
    enqueue(async () => {
      const state = deps.engine();
      if (state.kind !== 'ready') return;
      const { engine } = state;
      if (versions.list().length === 0 && engine.adapters().length === 0) return;
      await pauseInTyping();
      const base = await adapterBase(home, engine.model);
      const active = base === undefined ? [] : versions.active(base.sha256);
      const outcome = await engine.setAdapters(active.map(({ path, scale }) => ({ path, scale })));
      if (!outcome.ok) log(outcome.message);
    });
}
