import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFault } from '../engine/faults.ts';
import type { ModelHost } from '../engine/modelHost.ts';
import { type Collector, createCollector } from '../learning/collector.ts';
import { createLearning, type Learning } from '../learning/createLearning.ts';
import { runGit } from '../learning/git.ts';
import { refusalSentence } from '../policy/decisions.ts';
import type { PolicyService } from '../policy/policyService.ts';
import type { OwnedExampleStore } from '../store/createExampleStore.ts';
import type { ChangeOutcome } from '../store/exampleStore.ts';
import { damageSentence, openUserStore } from '../store/userStore.ts';

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
  /** Makes the examples. */
  readonly collector: Collector;
  /** What of the examples was found damaged, as a sentence. */
  readonly damage: string | undefined;
  /** No file below the user's data folder holds anything of the developer's code when this resolves well. */
  forgetEverything(): Promise<ChangeOutcome>;
}

/** Opens what this process learns from and what it has learnt. There is one such process, so one writer. */
export async function openLearning(deps: OpenLearningDeps): Promise<OpenedLearning> {
  const { home, policy } = deps;
  const user = await openUserStore(home, new AbortController().signal);
  const { store, recovery } = user;
  const damage = damageSentence(recovery);
  if (damage !== undefined) deps.log(damage);
  const collector = createCollector({
    ...{ store, policy, git: runGit, now: Date.now, log: deps.log },
    secretScanner: async (rules) => (await import('../learning/hygiene/secrets.ts')).createSecretScanner(rules),
  });
  const learning = await createLearning({
    ...{ home, root: deps.root, host: deps.host, store, log: deps.log, options: deps.options },
    forbidden() {
      const decision = policy.decide({ kind: 'learn' });
      return decision.permitted ? undefined : refusalSentence(decision.refusal);
    },
    onPolicyChange: policy.onChange,
  });
  return {
    ...{ store, learning, collector, damage },
    async forgetEverything() {
      await learning.learner.forgetEverything();
      const outcome = await store.deleteAll();
      if (!outcome.ok) return outcome;
      // Data sets of runs, and the index of the workspace folders: that of an open one is made again from its files.
      for (const name of ['training', 'index']) {
        const folder = join(home, name);
        try {
          await rm(folder, { recursive: true, force: true });
        } catch (error) {
          return { ok: false, fault: diskFault(error, folder) };
        }
      }
      return outcome;
    },
    async [Symbol.asyncDispose]() {
      await collector[Symbol.asyncDispose]();
      await learning[Symbol.asyncDispose]();
      await user[Symbol.asyncDispose]();
    },
  };
}
