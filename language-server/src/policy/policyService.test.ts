import { describe, expect, it } from 'vitest';
import type { RoundTerms } from './actions.ts';
import { fieldNames } from './fields.ts';
import type { Layer } from './layers.ts';
import { readFields } from './policyDocument.ts';
import {
  createLayeredPolicy,
  limitsModelHashes,
  PolicyForbids,
  type PolicyService,
  permittedWhile,
  privacyCaps,
} from './policyService.ts';

function admin(fields: Readonly<Record<string, unknown>>): Layer {
  return { name: 'admin', limits: readFields(fields, fieldNames).limits };
}

function fieldOf(policy: PolicyService, action: Parameters<PolicyService['decide']>[0]): string {
  const decision = policy.decide(action);
  return decision.permitted ? 'permitted' : decision.refusal.field;
}

const round: RoundTerms = {
  minimums: {},
  coordinator: 'https://fed.example',
  coordinatorKey: 'ab'.repeat(32),
  minimumCohort: 5,
  mechanism: 'client',
  epsilon: 2,
  delta: 1e-5,
  rank: 8,
  targets: ['q', 'v'],
  bytes: 1_000_000,
};

describe('decide', () => {
  it('permits by the floor what the floor permits', () => {
    const policy = createLayeredPolicy();
    expect(fieldOf(policy, { kind: 'learn', signal: 'corrected' })).toBe('permitted');
    expect(fieldOf(policy, { kind: 'connect', url: 'https://hub.example/a', purpose: 'modelDownload' })).toBe(
      'permitted',
    );
    expect(fieldOf(policy, { kind: 'round', ...round })).toBe('permitted');
    expect(fieldOf(policy, { kind: 'round', ...round, minimumCohort: 2 })).toBe('minimumCohort');
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['network', { network: false }],
    ['federation', { federation: false }],
    ['coordinators', { coordinators: ['https://other.example'] }],
    ['coordinatorKeys', { coordinatorKeys: ['cd'.repeat(32)] }],
    ['learning', { learning: false }],
    ['minimumCohort', { minimumCohort: 6 }],
    ['privacyMechanisms', { privacyMechanisms: ['record'] }],
    ['delta', { delta: 1e-6 }],
    ['epsilonPerRound', { epsilonPerRound: 1 }],
    ['adapterRank', { adapterRank: 4 }],
    ['adapterTargets', { adapterTargets: ['v'] }],
    ['bytesPerRound', { bytesPerRound: 999_999 }],
  ])('refuses a round by %s', (field, fields) => {
    expect(fieldOf(createLayeredPolicy([admin(fields)]), { kind: 'round', ...round })).toBe(field);
  });

  it('keeps the minimums of one federation to it', () => {
    const policy = createLayeredPolicy();
    expect(fieldOf(policy, { kind: 'round', ...round, minimums: { minimumCohort: 9 } })).toBe('minimumCohort');
    expect(fieldOf(policy, { kind: 'round', ...round, minimums: { strange: 1 } })).toBe('federation');
    expect(fieldOf(policy, { kind: 'round', ...round })).toBe('permitted');
  });

  it('asks for learning before its own history', () => {
    expect(fieldOf(createLayeredPolicy([admin({ learning: false })]), { kind: 'learnFromHistory' })).toBe('learning');
    expect(fieldOf(createLayeredPolicy([admin({ ownHistory: false })]), { kind: 'learnFromHistory' })).toBe(
      'ownHistory',
    );
  });

  it('loads no model of unknown hash where hashes are limited', () => {
    const hash = '12'.repeat(32);
    const policy = createLayeredPolicy([admin({ modelHashes: [hash], modelLicences: ['MIT'] })]);
    expect(limitsModelHashes(policy.effective())).toBe(true);
    expect(fieldOf(policy, { kind: 'loadModel', licence: 'MIT' })).toBe('modelHashes');
    expect(fieldOf(policy, { kind: 'loadModel', licence: 'GPL-3.0', sha256: hash })).toBe('modelLicences');
    expect(fieldOf(policy, { kind: 'loadModel', licence: 'mit', sha256: hash.toUpperCase() })).toBe('permitted');
  });
});

describe('permittedWhile', () => {
  it('stops what a change forbids, and only that', () => {
    const policy = createLayeredPolicy();
    using learning = permittedWhile(policy, { kind: 'learn' });
    using download = permittedWhile(policy, {
      kind: 'connect',
      url: 'https://hub.example/a',
      purpose: 'modelDownload',
    });
    policy.replace([admin({ network: false })]);
    expect(learning.signal.aborted).toBe(false);
    expect(download.signal.reason).toBeInstanceOf(PolicyForbids);
    expect(String(download.signal.reason)).toContain('administrator');
  });

  it('begins stopped where the action is forbidden, and asks no more once disposed', () => {
    const policy = createLayeredPolicy([admin({ learning: false })]);
    using late = permittedWhile(policy, { kind: 'learn' });
    expect(late.signal.aborted).toBe(true);
    policy.replace([]);
    const early = permittedWhile(policy, { kind: 'learn' });
    early[Symbol.dispose]();
    policy.replace([admin({ learning: false })]);
    expect(early.signal.aborted).toBe(false);
  });
});

it('tells its listeners of changes only', () => {
  const policy = createLayeredPolicy();
  let told = 0;
  policy.onChange(() => told++);
  policy.replace([admin({})]);
  expect(told).toBe(0);
  policy.replace([admin({ epsilonPerYear: 3 })]);
  expect(told).toBe(1);
  expect(privacyCaps(policy.effective())).toEqual({
    delta: 1e-5,
    epsilonPerRound: Number.POSITIVE_INFINITY,
    epsilonPerYear: 3,
    epsilonLifetime: Number.POSITIVE_INFINITY,
  });
});
