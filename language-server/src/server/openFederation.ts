import { join } from 'node:path';
import type { SendHttp } from '#protocol/federation/httpBoard.ts';
import type { ModelHost } from '../engine/modelHost.ts';
import { type EditorKeyStore, editorKeyStore } from '../federation/editorKeyStore.ts';
import { exampleTrainer } from '../federation/exampleTrainer.ts';
import { type FederationService, openFederationService } from '../federation/federationService.ts';
import { offerTeamAdapter, withdrawTeamAdapter } from '../federation/teamVersion.ts';
import { coordinatorTransport } from '../federation/transport.ts';
import type { AdapterBase } from '../learning/adapterVersions.ts';
import type { PrivacyAccount } from '../ledger/spendLedgerFile.ts';
import type { LeftLedger } from '../network/leftLedger.ts';
import type { Network, Outbound } from '../network/outbound.ts';
import type { PolicyService } from '../policy/policyService.ts';
import type { LivePolicy } from '../policyFiles/livePolicy.ts';
import type { OpenedLearning } from './openLearning.ts';

export interface OpenFederationDeps {
  readonly home: string;
  readonly host: ModelHost;
  readonly policy: LivePolicy;
  readonly outbound: Outbound;
  readonly left: LeftLedger;
  readonly account: PrivacyAccount;
  readonly learning: Promise<OpenedLearning>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly everyMs: number;
  readonly log: (message: string) => void;
}

/** This process's part in all teams; there is one such process for a user. */
export interface OpenedFederation extends AsyncDisposable {
  readonly service: FederationService;
  readonly keys: EditorKeyStore;
  readonly policy: PolicyService;
  /** The model in use, as the base of adapters. */
  base(): Promise<AdapterBase | undefined>;
  transport(team: string): Promise<SendHttp>;
  /** Returns how to stop listening. */
  listen(listener: () => void): () => void;
}

export async function openFederation(deps: OpenFederationDeps): Promise<OpenedFederation> {
  const { home, host, policy, left, log, everyMs } = deps;
  const keys = editorKeyStore();
  const listeners = new Set<() => void>();
  let network: Promise<Network> | undefined;
  const transport = async (team: string): Promise<SendHttp> => {
    network ??= deps.outbound.open({ proxy: '', env: deps.env });
    return coordinatorTransport(await network, team);
  };
  const service = await openFederationService({
    ...{ home, keys, policy, log, everyMs, transport, account: deps.account },
    offerPolicy: (file) => policy.offerOrganisationPolicy(file),
    async trainer({ repository }, folder) {
      const { learning, store } = await deps.learning;
      const state = host.state();
      const base = await learning.learner.base();
      if (state.kind !== 'ready' || base === undefined || 'missing' in learning.trainer) return undefined;
      return exampleTrainer({ ...{ host: learning.trainer, engine: state.engine, base, store, repository, folder } });
    },
    async follow({ repository, enrolment }, change, signal) {
      const { learning, store } = await deps.learning;
      if (change.kind === 'withdraw') {
        log('The team’s adapter was taken out of use.');
        return withdrawTeamAdapter(learning.versions, change.file);
      }
      const state = host.state();
      const base = await learning.learner.base();
      if (state.kind !== 'ready' || base === undefined || 'missing' in learning.trainer) return false;
      const folder = join(home, 'federation', enrolment.federation);
      const { probeTokens } = learning.options;
      const parts = { base, store, repository, folder, probeTokens, tokenizer: state.engine, now: Date.now };
      const offer = { ...parts, host: learning.trainer, versions: learning.versions };
      const outcome = await offerTeamAdapter(offer, change.file, change.round, signal);
      // Cut short by the end of this process, or too little to judge by: later.
      if (signal.aborted || outcome.kind === 'tooFew') return false;
      log(
        `The team's adapter of round ${change.round}: ${outcome.kind === 'failed' ? outcome.message : outcome.kind}.`,
      );
      return true;
    },
    async sentBytes(origin) {
      const { entries } = await left.read(Number.MAX_SAFE_INTEGER);
      return entries.reduce(
        (sum, entry) => (entry.kind === 'request' && entry.to === origin ? sum + entry.bytes : sum),
        0,
      );
    },
    onChange: () => listeners.forEach((listener) => void listener()),
  });
  return {
    ...{ service, keys, policy, transport },
    base: async () => (await deps.learning).learning.learner.base(),
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await (await network)?.[Symbol.asyncDispose]();
    },
  };
}
