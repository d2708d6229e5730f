import type { PrivacyCaps } from '#protocol/privacy/budget.ts';
import { decideAction, type FederationMinimums, type PolicyAction, withMinimums } from './actions.ts';
import { type Decision, type PolicyRefusal, refusalSentence } from './decisions.ts';
import type { FieldOf } from './fields.ts';
import { type EffectivePolicy, effectivePolicy, type Layer, valueFor } from './layers.ts';

/** What may happen, now. Whoever acts asks at the point of action, and stops what a change forbids. */
export interface PolicyService {
  /** With a repository's minimums where they are given. */
  effective(minimums?: FederationMinimums): EffectivePolicy;
  decide(action: PolicyAction): Decision;
  /** Called after each change of what holds; returns the function that ends it. */
  onChange(listener: () => void): () => void;
}

/** Why a signal of `permittedWhile` aborted, or what a forbidden call throws. Its message is a sentence for the user. */
export class PolicyForbids extends Error {
  readonly refusal: PolicyRefusal;
  constructor(refusal: PolicyRefusal) {
    super(refusalSentence(refusal));
    this.refusal = refusal;
  }
}

/**
 * For work that goes on: a signal that aborts with `PolicyForbids` as soon as policy forbids the action, and with
 * `outer`. Already aborted where it is forbidden now.
 */
export function permittedWhile(
  policy: PolicyService,
  action: PolicyAction,
  outer?: AbortSignal,
): { readonly signal: AbortSignal } & Disposable {
  const stop = new AbortController();
  const ask = (): void => {
    const decision = policy.decide(action);
    if (!decision.permitted) stop.abort(new PolicyForbids(decision.refusal));
  };
  const unsubscribe = policy.onChange(ask);
  ask();
  return {
    signal: outer === undefined ? stop.signal : AbortSignal.any([stop.signal, outer]),
    [Symbol.dispose]: unsubscribe,
  };
}

/** A service over layers that whoever made it can replace; `livePolicy.ts` does so from files. */
export interface LayeredPolicy extends PolicyService {
  /** Tells the listeners where something changed. */
  replace(layers: readonly Layer[]): void;
}

export function createLayeredPolicy(first: readonly Layer[] = []): LayeredPolicy {
  let layers = first;
  let merged = effectivePolicy(layers);
  const listeners = new Set<() => void>();
  return {
    effective: (minimums) => (minimums === undefined ? merged : withMinimums(layers, minimums)),
    decide: (action) => decideAction(layers, action),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    replace(next) {
      const before = JSON.stringify(described(merged));
      layers = next;
      merged = effectivePolicy(layers);
      if (JSON.stringify(described(merged)) === before) return;
      for (const listener of [...listeners]) listener();
    },
  };
}

/** For `budgetFor` in protocol/src/privacy/budget.ts. */
export function privacyCaps(policy: EffectivePolicy): PrivacyCaps {
  const most = (field: FieldOf<'atMost'>): number => {
    const { limit } = valueFor(policy, field);
    // Not reached: the field's kind says what its limit is.
    return limit.kind === 'atMost' ? limit.most : 0;
  };
  return {
    delta: most('delta'),
    epsilonPerRound: most('epsilonPerRound'),
    epsilonPerYear: most('epsilonPerYear'),
    epsilonLifetime: most('epsilonLifetime'),
  };
}

/** Whether a model's hash must be known before it is loaded. */
export function limitsModelHashes(policy: EffectivePolicy): boolean {
  const { limit } = valueFor(policy, 'modelHashes');
  return limit.kind === 'only' && limit.of !== 'any';
}

/** JSON has no Infinity, which is a limit here. */
function described(policy: EffectivePolicy): unknown {
  const values = [...policy.values.values()].map(({ field, limit, origins, locked }) => [
    field,
    limit.kind === 'atMost' ? String(limit.most) : limit,
    origins,
    locked,
  ]);
  return [values, policy.lockedDown];
}
