import { describe, expect, it } from 'vitest';
import { allOf, everyOf, mayChoose, mayTake, mayUse, refusalSentence } from './decisions.ts';
import { fieldNames } from './fields.ts';
import { effectivePolicy, lockDown } from './layers.ts';
import { federationLayer, userLayer } from './lowerLayers.ts';
import { readFields } from './policyDocument.ts';

function admin(fields: Readonly<Record<string, unknown>>) {
  const { limits, complaints } = readFields(fields, fieldNames);
  expect(complaints).toEqual([]);
  return { name: 'admin', limits } as const;
}

describe('decisions', () => {
  const policy = effectivePolicy([
    admin({
      federation: false,
      bytesPerRound: 1000,
      minimumCohort: 5,
      coordinators: ['https://Fed.Example:443', 'http://localhost:8080'],
      modelLicences: ['Apache-2.0'],
      privacyMechanisms: ['record', 'client'],
      epsilonPerRound: 8,
    }),
    userLayer({ exclude: ['secret/**'], bytesPerRound: 5000 }).layer,
  ]);

  it('permit what is within every limit', () => {
    expect(mayUse(policy, 'learning').permitted).toBe(true);
    expect(mayTake(policy, 'bytesPerRound', 1000).permitted).toBe(true);
    expect(mayTake(policy, 'minimumCohort', 5).permitted).toBe(true);
    expect(mayChoose(policy, 'coordinators', 'https://fed.example/argot').permitted).toBe(true);
    expect(mayChoose(policy, 'modelLicences', 'apache-2.0').permitted).toBe(true);
    expect(mayChoose(policy, 'modelHashes', 'ab'.repeat(32)).permitted).toBe(true);
    expect(allOf(policy, 'exclude')).toEqual(expect.arrayContaining(['secret/**', '**/.env']));
  });

  it('refuse with the field, its origin and what was asked', () => {
    expect(mayUse(policy, 'federation')).toMatchObject({
      permitted: false,
      refusal: { field: 'federation', origins: ['admin'] },
    });
    expect(mayTake(policy, 'bytesPerRound', 1001)).toMatchObject({ refusal: { asked: 1001, limit: { most: 1000 } } });
    expect(mayTake(policy, 'minimumCohort', 4).permitted).toBe(false);
    expect(mayChoose(policy, 'coordinators', 'https://fed.example.evil').permitted).toBe(false);
    expect(mayChoose(policy, 'coordinators', 'http://fed.example').permitted).toBe(false);
    expect(mayChoose(policy, 'coordinators', 'not an address').permitted).toBe(false);
    expect(mayChoose(policy, 'privacyMechanisms', 'none').permitted).toBe(false);
    // A round without privacy spends an infinite epsilon; a figure that is none is no permission.
    expect(mayTake(policy, 'epsilonPerRound', Number.POSITIVE_INFINITY).permitted).toBe(false);
    expect(mayTake(policy, 'epsilonPerRound', Number.NaN).permitted).toBe(false);
    expect(mayTake(policy, 'minimumCohort', Number.NaN).permitted).toBe(false);
  });

  it('are told in a sentence', () => {
    const sentence = (decision: ReturnType<typeof mayUse>): string =>
      decision.permitted ? '' : refusalSentence(decision.refusal);
    expect(sentence(mayUse(policy, 'federation'))).toBe('“federation” is set to off by this machine’s administrator.');
    expect(sentence(mayTake(policy, 'bytesPerRound', 1001))).toBe(
      '“bytesPerRound” is set to at most 1000 by this machine’s administrator (asked: 1001).',
    );
    expect(sentence(mayUse(effectivePolicy([lockDown('admin', 'The file is broken.')]), 'network'))).toBe(
      '“network” is set to off by this machine’s administrator. The file is broken.',
    );
  });

  it('of several are the first refusal', () => {
    expect(everyOf([mayUse(policy, 'learning'), mayUse(policy, 'network')]).permitted).toBe(true);
    expect(everyOf([mayUse(policy, 'learning'), mayUse(policy, 'federation'), mayTake(policy, 'delta', 1)])).toEqual(
      mayUse(policy, 'federation'),
    );
  });
});

describe('the layers below the admin', () => {
  it('tell a setting that cannot be read, and keep the others', () => {
    const { layer, complaints } = userLayer({ learning: 'no', adapterRank: 8, nonsense: 1 });
    expect(complaints).toHaveLength(2);
    expect([...layer.limits.keys()]).toEqual(['adapterRank']);
  });

  it('turn a federation off whose minimums are not understood', () => {
    expect(federationLayer({ minimumCohort: 5 }).layer.lockedDown).toBeUndefined();
    for (const minimums of [{ minimumCohort: 'many' }, { minimumMood: 5 }, { network: false }, { auditLog: ['/x'] }]) {
      const { layer } = federationLayer({ adapterRank: 8, ...minimums });
      const policy = effectivePolicy([layer]);
      expect(mayUse(policy, 'federation')).toMatchObject({ refusal: { origins: ['federation'] } });
      // A repository reaches no further than its own federation.
      expect(mayUse(policy, 'network').permitted).toBe(true);
      expect(mayUse(policy, 'learning').permitted).toBe(true);
      expect(allOf(policy, 'auditLog')).toEqual([]);
    }
  });

  it('loosen nothing that stands above, whoever writes them', () => {
    const above = admin({ learning: false, epsilonPerYear: 1, minimumCohort: 50, downloadSources: [], network: false });
    const bold = {
      learning: true,
      epsilonPerYear: 1000,
      minimumCohort: 1,
      downloadSources: ['https://evil.example'],
      network: true,
    };
    const strict = effectivePolicy([above]);
    const attacked = effectivePolicy([above, userLayer(bold).layer, federationLayer(bold).layer]);
    expect(mayUse(attacked, 'learning').permitted).toBe(false);
    expect(mayUse(attacked, 'network').permitted).toBe(false);
    expect(mayTake(attacked, 'epsilonPerYear', 1.1)).toEqual(mayTake(strict, 'epsilonPerYear', 1.1));
    expect(mayTake(attacked, 'minimumCohort', 49).permitted).toBe(false);
    expect(mayChoose(attacked, 'downloadSources', 'https://evil.example').permitted).toBe(false);
  });
});
