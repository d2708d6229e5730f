import { type Decision, everyOf, mayChoose, mayTake, mayUse } from './decisions.ts';
import { type EffectivePolicy, effectivePolicy, type Layer } from './layers.ts';
import { federationLayer } from './lowerLayers.ts';

/** The minimums in a repository's `.argot/federation.json`, as read from it: policy judges them. */
export type FederationMinimums = Readonly<Record<string, unknown>>;

export type LearningSignal = 'accepted' | 'acceptedPart' | 'corrected' | 'typedInstead' | 'undone';

/** What a request is for; the ledger of what left says it in words. */
export type Purpose = 'modelDownload' | 'federation';

/** Everything that policy decides, asked at the point of action. */
export type PolicyAction =
  /** To make examples, or to train on them: without `signal` whether anything may be learned at all. */
  | { readonly kind: 'learn'; readonly signal?: LearningSignal }
  | { readonly kind: 'learnFromHistory' }
  /** `sha256` in hexadecimal: it must be known where `modelHashes` is limited, see `limitsModelHashes`. */
  | { readonly kind: 'loadModel'; readonly sha256?: string; readonly licence: string }
  /** One request, or one hop of it. */
  | { readonly kind: 'connect'; readonly url: string; readonly purpose: Purpose }
  | {
      readonly kind: 'enrol';
      readonly coordinator: string;
      /** SHA-256 of the coordinator's public key, in hexadecimal. */
      readonly coordinatorKey: string;
      readonly minimums: FederationMinimums;
    }
  | ({ readonly kind: 'round' } & RoundTerms);

/** What a round asks of a member. Its epsilon is weighed against the caps by `protocol/src/privacy/budget.ts`. */
export interface RoundTerms {
  readonly minimums: FederationMinimums;
  readonly coordinator: string;
  readonly coordinatorKey: string;
  readonly minimumCohort: number;
  readonly mechanism: 'none' | 'record' | 'client';
  /** What the round alone costs; Infinity without privacy. */
  readonly epsilon: number;
  readonly delta: number;
  readonly rank: number;
  readonly targets: readonly string[];
  readonly bytes: number;
}

/** `layers` hold everything but the minimums of the one federation that an action belongs to. */
export function decideAction(layers: readonly Layer[], action: PolicyAction): Decision {
  switch (action.kind) {
    case 'learn':
      return decideLearning(effectivePolicy(layers), action.signal);
    case 'learnFromHistory':
      return ownHistory(effectivePolicy(layers));
    case 'loadModel':
      return decideModel(effectivePolicy(layers), action.licence, action.sha256);
    case 'connect':
      return decideConnection(effectivePolicy(layers), action.url, action.purpose);
    case 'enrol':
      return decideEnrolment(withMinimums(layers, action.minimums), action.coordinator, action.coordinatorKey);
    case 'round':
      return decideRound(withMinimums(layers, action.minimums), action);
  }
}

export function withMinimums(layers: readonly Layer[], minimums: FederationMinimums): EffectivePolicy {
  return effectivePolicy([...layers, federationLayer(minimums).layer]);
}

function decideLearning(policy: EffectivePolicy, signal: LearningSignal | undefined): Decision {
  const may = mayUse(policy, 'learning');
  return signal === undefined ? may : everyOf([may, mayChoose(policy, 'learningSignals', signal)]);
}

function ownHistory(policy: EffectivePolicy): Decision {
  return everyOf([mayUse(policy, 'learning'), mayUse(policy, 'ownHistory')]);
}

function decideModel(policy: EffectivePolicy, licence: string, sha256: string | undefined): Decision {
  return everyOf([mayChoose(policy, 'modelHashes', sha256 ?? 'unknown'), mayChoose(policy, 'modelLicences', licence)]);
}

function decideConnection(policy: EffectivePolicy, url: string, purpose: Purpose): Decision {
  const network = mayUse(policy, 'network');
  if (purpose === 'modelDownload') return everyOf([network, mayChoose(policy, 'downloadSources', url)]);
  return everyOf([network, mayUse(policy, 'federation'), mayChoose(policy, 'coordinators', url)]);
}

function decideEnrolment(policy: EffectivePolicy, coordinator: string, key: string): Decision {
  return everyOf([
    decideConnection(policy, coordinator, 'federation'),
    mayChoose(policy, 'coordinatorKeys', key),
    // A federation trains on what was learned here.
    mayUse(policy, 'learning'),
  ]);
}

function decideRound(policy: EffectivePolicy, terms: RoundTerms): Decision {
  return everyOf([
    decideEnrolment(policy, terms.coordinator, terms.coordinatorKey),
    mayTake(policy, 'minimumCohort', terms.minimumCohort),
    mayChoose(policy, 'privacyMechanisms', terms.mechanism),
    mayTake(policy, 'delta', terms.delta),
    mayTake(policy, 'epsilonPerRound', terms.epsilon),
    mayTake(policy, 'adapterRank', terms.rank),
    ...terms.targets.map((target) => mayChoose(policy, 'adapterTargets', target)),
    mayTake(policy, 'bytesPerRound', terms.bytes),
  ]);
}
