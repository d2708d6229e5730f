import { errorMessage } from '../engine/faults.ts';
import { refusalSentence } from '../policy/decisions.ts';
import { valueFor } from '../policy/layers.ts';
import type { PolicyService } from '../policy/policyService.ts';
import type { OwnedExampleStore } from '../store/createExampleStore.ts';
import { admit, type Candidate } from './admit.ts';
import type { Example, ExampleKind } from './example.ts';
import type { Git } from './git.ts';
import type { HasSecret } from './hygiene/secrets.ts';
import { createKeptLines } from './keptLines.ts';

/** What the user's settings say of learning. */
export interface CollectorSettings {
  readonly enable: boolean;
  readonly kinds: readonly Exclude<ExampleKind, 'ownHistory'>[];
  readonly retentionDays: number;
  readonly retentionExamples: number;
}

export interface CollectorDeps {
  readonly store: OwnedExampleStore;
  readonly secretScanner: (moreRules: readonly string[]) => Promise<HasSecret>;
  readonly policy: PolicyService;
  readonly git: Git;
  readonly now: () => number;
  readonly log: (message: string) => void;
}

/** Makes examples in the background, one after another, for all windows. */
export interface Collector extends AsyncDisposable {
  /** Returns at once. `excluded` is the window's. */
  consider(candidate: Candidate, settings: CollectorSettings, excluded: (uri: string) => boolean): void;
  /** Stores examples that were made elsewhere, hygiene done; gives how many were new. */
  addAll(examples: readonly Example[], settings: CollectorSettings, signal: AbortSignal): Promise<number>;
  hasSecret(): Promise<HasSecret>;
  /** Resolves when what was to be considered so far is done. */
  settled(): Promise<void>;
  /** Called after examples came or went. */
  onChange(listener: () => void): () => void;
}

/** More than this waits only when something is wrong; the newest are dropped then. */
const longestQueue = 200;
const retainAfter = 50;
const dayMs = 86_400_000;

export function createCollector(deps: CollectorDeps): Collector {
  const stopping = new AbortController();
  const listeners = new Set<() => void>();
  const keptLines = createKeptLines();
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;
  let sinceRetention = retainAfter;
  let secretRules: { readonly rules: string; readonly scanner: Promise<HasSecret> } | undefined;

  const changed = (): void => {
    for (const listener of [...listeners]) listener();
  };

  const unsubscribe = deps.store.onDeleted(() => {
    keptLines.forget();
    changed();
  });

  function hasSecret(): Promise<HasSecret> {
    const { limit } = valueFor(deps.policy.effective(), 'secretRules');
    const own = limit.kind === 'all' ? limit.of : [];
    const rules = JSON.stringify(own);
    if (secretRules?.rules !== rules) secretRules = { rules, scanner: deps.secretScanner(own) };
    return secretRules.scanner;
  }

  async function learn(
    candidate: Candidate,
    settings: CollectorSettings,
    excluded: (uri: string) => boolean,
  ): Promise<void> {
    if (learningOff(deps.policy, settings, candidate.kind) !== undefined) return;
    const admission = await admit(
      candidate,
      {
        ...{ git: deps.git, hasSecret: await hasSecret(), excluded },
        isFresh: (line) => keptLines.isFresh(candidate.uri, line),
      },
      stopping.signal,
    );
    // Policy may have changed while git was asked.
    if (admission.kind === 'not' || learningOff(deps.policy, settings, candidate.kind) !== undefined) return;
    if (await store(admission.example)) {
      keptLines.keep(candidate.uri, admission.example.text);
      await retain(settings);
      changed();
    }
  }

  async function store(example: Example): Promise<boolean> {
    const outcome = await deps.store.add(example);
    if (outcome.kind === 'failed') deps.log(`An example could not be stored: ${outcome.fault.message}`);
    return outcome.kind === 'added';
  }

  async function retain(settings: CollectorSettings): Promise<void> {
    if (++sinceRetention < retainAfter) return;
    sinceRetention = 0;
    const policy = deps.policy.effective();
    const most = (field: 'retentionDays' | 'retentionExamples', own: number): number => {
      const { limit } = valueFor(policy, field);
      return limit.kind === 'atMost' ? Math.min(limit.most, own) : own;
    };
    const days = most('retentionDays', settings.retentionDays);
    await deps.store.retain(deps.now() - days * dayMs, most('retentionExamples', settings.retentionExamples));
  }

  return {
    consider(candidate, settings, excluded) {
      if (waiting >= longestQueue || stopping.signal.aborted) return;
      waiting++;
      last = last
        .then(() => learn(candidate, settings, excluded))
        .catch((error: unknown) => deps.log(`An example was not made: ${errorMessage(error)}`))
        .finally(() => {
          waiting--;
        });
    },
    async addAll(all, settings, signal) {
      let added = 0;
      for (const example of all) {
        signal.throwIfAborted();
        if (await store(example)) added++;
      }
      sinceRetention = retainAfter;
      await retain(settings);
      changed();
      return added;
    },
    hasSecret,
    settled: () => last,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      await last;
      stopping.abort(new Error('The server ends.'));
      unsubscribe();
    },
  };
}

/** Why nothing of this kind is learned now, as a sentence; undefined where it is. */
export function learningOff(
  policy: PolicyService,
  settings: CollectorSettings,
  kind?: ExampleKind,
): string | undefined {
  if (!settings.enable) return 'Learning is switched off in the settings (argot.learning.enable).';
  const decision =
    kind === 'ownHistory'
      ? policy.decide({ kind: 'learnFromHistory' })
      : policy.decide(kind === undefined ? { kind: 'learn' } : { kind: 'learn', signal: signalOf(kind) });
  if (!decision.permitted) return refusalSentence(decision.refusal);
  const isUnwanted = kind !== undefined && kind !== 'ownHistory' && !settings.kinds.includes(kind);
  return isUnwanted ? `“${kind}” is not among the kinds of argot.learning.kinds.` : undefined;
}

function signalOf(kind: Exclude<ExampleKind, 'ownHistory'>) {
  return kind === 'partial' ? 'acceptedPart' : kind;
}
