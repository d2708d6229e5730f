import type { TrainingResult, TrainingState } from '#protocol/learningRuns.ts';
import type { ModelHost } from '../engine/modelHost.ts';
import type { ExampleStore } from '../store/exampleStore.ts';
import { type AdapterVersions, openAdapterVersions } from './adapterVersions.ts';
import { createLearner, type Learner } from './learner.ts';
import { findTrainer, type TrainerHost } from './trainer.ts';
import { type TrainingOptions, trainingOptionsSchema } from './trainingPlan.ts';

export interface LearningDeps {
  readonly home: string;
  /** The folder that holds `dist` with the trainer. */
  readonly root: string;
  readonly host: ModelHost;
  readonly store: ExampleStore;
  /** Why learning is not allowed now; undefined while it is. */
  readonly forbidden: () => string | undefined;
  readonly onPolicyChange: (listener: () => void) => () => void;
  readonly log: (message: string) => void;
  /** Changes to the defaults, as JSON; tests train little. */
  readonly options?: string | undefined;
}

export interface LearningSettings {
  readonly training: 'auto' | 'manual';
  readonly trainingOnBattery: boolean;
}

/** Adapters and training of this process, shared by all windows. */
export interface Learning extends AsyncDisposable {
  readonly learner: Learner;
  readonly versions: AdapterVersions;
  readonly trainer: TrainerHost | { readonly missing: string };
  readonly options: TrainingOptions;
  configure(settings: LearningSettings): void;
  /** Returns how to stop listening. */
  listen(listener: LearningListener): () => void;
}

export interface LearningListener {
  training(state: TrainingState): void;
  learnt(result: TrainingResult): void;
}

/** Opens the adapters and keeps the engine on those that are active, whichever model is loaded. */
export async function createLearning(deps: LearningDeps): Promise<Learning> {
  const { home, host, log } = deps;
  const versions = await openAdapterVersions(home);
  for (const complaint of versions.complaints()) log(complaint);
  const options: TrainingOptions = trainingOptionsSchema.parse(JSON.parse(deps.options ?? '{}'));
  const listeners = new Set<LearningListener>();
  const trainer = findTrainer(deps.root, process.platform, process.arch);
  let settings: LearningSettings = { training: 'auto', trainingOnBattery: false };
  const learner = createLearner({
    ...{ home, engine: host.state, versions, store: deps.store, trainer, options, log, now: Date.now },
    forbidden: deps.forbidden,
    onPolicyChange: deps.onPolicyChange,
    settings: () => settings,
    onTraining: (state) => {
      for (const listener of listeners) listener.training(state);
    },
    onLearnt: (result) => {
      for (const listener of listeners) listener.learnt(result);
    },
  });
  const apply = () => void learner.apply().catch((error: unknown) => log(String(error)));
  const stops = [host.onChange(apply), versions.onChange(apply)];
  apply();
  return {
    ...{ learner, versions, trainer, options },
    configure(next) {
      settings = next;
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      for (const stop of stops) stop();
      await learner[Symbol.asyncDispose]();
    },
  };
}
