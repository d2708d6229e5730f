import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Field, fieldNames, fieldSpecs } from './fields.ts';
import { effectivePolicy, type Layer, layerNames, lockDown, valueFor } from './layers.ts';
import { isAsStrict, type Limit, type LimitKind, meet, sameLimit, sortedSet } from './limits.ts';

const items = ['a', 'b', 'c', 'd'];
const lists = fc.subarray(items).map(sortedSet);
const limitsOf: Readonly<Record<LimitKind, fc.Arbitrary<Limit>>> = {
  allowed: fc.boolean().map((allowed) => ({ kind: 'allowed', allowed })),
  atMost: fc.oneof(fc.nat(9), fc.constant(Number.POSITIVE_INFINITY)).map((most) => ({ kind: 'atMost', most })),
  atLeast: fc.nat(9).map((least) => ({ kind: 'atLeast', least })),
  only: fc.oneof(lists, fc.constant('any' as const)).map((of) => ({ kind: 'only', of })),
  all: lists.map((of) => ({ kind: 'all', of })),
};
const kinds = fc.constantFrom<LimitKind>('allowed', 'atMost', 'atLeast', 'only', 'all');

/** What a limit permits, told apart from `meet`: for `all`, whether something unlisted may be had. */
function permits(limit: Limit, asked: { readonly amount: number; readonly item: string }): boolean {
  switch (limit.kind) {
    case 'allowed':
      return limit.allowed;
    case 'atMost':
      return asked.amount <= limit.most;
    case 'atLeast':
      return asked.amount >= limit.least;
    case 'only':
      return limit.of === 'any' || limit.of.includes(asked.item);
    case 'all':
      return !limit.of.includes(asked.item);
  }
}
const questions = fc.record({ amount: fc.nat(10), item: fc.constantFrom(...items) });

const layers: fc.Arbitrary<Layer> = fc
  .tuple(
    fc.constantFrom(...layerNames),
    fc.subarray([...fieldNames]).chain((names) => {
      const pairs = names.map((name) => limitsOf[fieldSpecs[name].kind].map((limit): [Field, Limit] => [name, limit]));
      return pairs.length === 0 ? fc.constant<[Field, Limit][]>([]) : fc.tuple(...pairs);
    }),
  )
  .map(([name, limits]) => ({ name, limits: new Map(limits) }));
const stacks = fc.array(layers, { maxLength: 6 });

describe('limits', () => {
  const triples = kinds.chain((kind) => fc.tuple(limitsOf[kind], limitsOf[kind], limitsOf[kind]));

  it('form a lattice: commutative, associative, idempotent', () => {
    fc.assert(
      fc.property(triples, ([a, b, c]) => {
        expect(meet(a, b)).toEqual(meet(b, a));
        expect(meet(meet(a, b), c)).toEqual(meet(a, meet(b, c)));
        expect(meet(a, a)).toEqual(a);
      }),
      { numRuns: 1000 },
    );
  });

  it('permit together exactly what each permits', () => {
    fc.assert(
      fc.property(triples, questions, ([a, b], asked) => {
        expect(permits(meet(a, b), asked)).toBe(permits(a, asked) && permits(b, asked));
        if (isAsStrict(a, b) && permits(a, asked)) expect(permits(b, asked)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('of two kinds are a bug', () => {
    expect(() => meet({ kind: 'allowed', allowed: true }, { kind: 'atMost', most: 1 })).toThrow('one kind');
  });
});

describe('the effective policy', () => {
  it('does not depend on the order or the repetition of layers', () => {
    fc.assert(
      fc.property(stacks, fc.infiniteStream(fc.nat()), (stack, random) => {
        const shuffled = [...stack, ...stack]
          .map((layer) => ({ layer, key: random.next().value ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ layer }) => layer);
        for (const field of fieldNames) {
          const [one, other] = [valueFor(effectivePolicy(stack), field), valueFor(effectivePolicy(shuffled), field)];
          expect(other.limit).toEqual(one.limit);
          expect(other.bound).toEqual(one.bound);
          expect(other.locked).toBe(one.locked);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is never looser than any layer, and no further layer loosens it', () => {
    fc.assert(
      fc.property(stacks, layers, (stack, further) => {
        const [before, after] = [effectivePolicy(stack), effectivePolicy([...stack, further])];
        for (const field of fieldNames) {
          const { limit } = valueFor(before, field);
          expect(isAsStrict(limit, fieldSpecs[field].floor)).toBe(true);
          for (const layer of stack) expect(isAsStrict(limit, layer.limits.get(field) ?? limit)).toBe(true);
          expect(isAsStrict(valueFor(after, field).limit, limit)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('names origins that suffice: without them it would not be as strict', () => {
    fc.assert(
      fc.property(stacks, (stack) => {
        const policy = effectivePolicy(stack);
        for (const field of fieldNames) {
          const { limit, origins, bound, locked } = valueFor(policy, field);
          const named = effectivePolicy(stack.filter(({ name }) => origins.includes(name)));
          expect(sameLimit(valueFor(named, field).limit, limit)).toBe(true);
          const withoutUser = effectivePolicy(stack.filter(({ name }) => name !== 'user'));
          expect(sameLimit(valueFor(withoutUser, field).limit, bound)).toBe(true);
          // Locked: the user has no part in it, and somebody above has.
          if (locked) expect(sameLimit(bound, limit) && !sameLimit(limit, fieldSpecs[field].floor)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('says who decided and what the user can still loosen', () => {
    const layer = (name: Layer['name'], entries: readonly [Field, Limit][]): Layer => ({
      name,
      limits: new Map(entries),
    });
    const policy = effectivePolicy([
      layer('user', [
        ['minimumCohort', { kind: 'atLeast', least: 10 }],
        ['learning', { kind: 'allowed', allowed: true }],
        ['federation', { kind: 'allowed', allowed: false }],
        ['coordinators', { kind: 'only', of: ['https://a', 'https://b'] }],
      ]),
      layer('admin', [
        ['minimumCohort', { kind: 'atLeast', least: 5 }],
        ['learning', { kind: 'allowed', allowed: false }],
        ['coordinators', { kind: 'only', of: ['https://b', 'https://c'] }],
      ]),
    ]);
    expect(valueFor(policy, 'minimumCohort')).toMatchObject({
      limit: { least: 10 },
      origins: ['user'],
      locked: false,
      bound: { least: 5 },
    });
    expect(valueFor(policy, 'learning')).toMatchObject({ limit: { allowed: false }, origins: ['admin'], locked: true });
    expect(valueFor(policy, 'federation')).toMatchObject({
      origins: ['user'],
      locked: false,
      bound: { allowed: true },
    });
    expect(valueFor(policy, 'coordinators')).toMatchObject({
      limit: { of: ['https://b'] },
      origins: ['admin', 'user'],
      bound: { of: ['https://b', 'https://c'] },
    });
    expect(valueFor(policy, 'network')).toMatchObject({ limit: { allowed: true }, origins: ['floor'], locked: false });
  });

  it('shuts off what learns or leaves where a layer is locked down, whatever the others say', () => {
    const policy = effectivePolicy([
      { name: 'user', limits: new Map([['learning', { kind: 'allowed', allowed: true }]]) },
      lockDown('admin', 'Broken.', new Map([['adapterRank', { kind: 'atMost', most: 4 }]])),
    ]);
    for (const field of ['learning', 'ownHistory', 'federation', 'network'] as const) {
      expect(valueFor(policy, field)).toMatchObject({ limit: { allowed: false }, origins: ['admin'], locked: true });
    }
    expect(valueFor(policy, 'adapterRank').limit).toEqual({ kind: 'atMost', most: 4 });
    expect(policy.lockedDown).toEqual(['Broken.']);
  });
});
