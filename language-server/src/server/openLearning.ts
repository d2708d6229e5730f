import { join } from 'node:path';
import type { ModelHost } from '../engine/modelHost.ts';
import { createLearning, type Learning } from '../learning/createLearning.ts';
import { refusalSentence } from '../policy/decisions.ts';
import type { PolicyService } from '../policy/policyService.ts';
import { type OwnedExampleStore, openExampleStore } from '../store/createExampleStore.ts';
import { nodeFileSystem } from '../store/fileSystem.ts';
import { loadSqlite } from '../store/sqlite.ts';

export interface OpenLearningDeps {
  readonly home: string;
  readonly root: string;
  readonly host: ModelHost;
  readonly policy: PolicyService;
  readonly log: (message: string) => void;
  readonly options: string | undefined;
}

export interface OpenedLearning extends AsyncDisposable {
  readonly store: OwnedExampleStore;
  readonly learning: Learning;
}

/** Opens what this process learns from and what it has learnt. There is one such process, so one writer. */
export async function openLearning(deps: OpenLearningDeps): Promise<OpenedLearning> {
  const { home, policy } = deps;
  const parts = { folder: join(home, 'examples'), files: nodeFileSystem, sql: await loadSqlite() };
  const { store } = await openExampleStore(parts, new AbortController().signal);
  const learning = await createLearning({
    ...{ home, root: deps.root, host: deps.host, store, log: deps.log, options: deps.options },
    forbidden() {
      const decision = policy.decide({ kind: 'learn' });
      return decision.permitted ? undefined : refusalSentence(decision.refusal);
    },
  });
  return {
    ...{ store, learning },
    async [Symbol.asyncDispose]() {
      await learning[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}
