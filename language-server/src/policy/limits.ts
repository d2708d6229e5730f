/**
 * What a layer says about one field. Each kind is a meet-semilattice: `meet` is the greatest limit that is at most as loose
 * as both, so the order in which layers are merged makes no difference and no layer can loosen what another one says.
 */
export type Limit =
  /** Stricter: not allowed. */
  | { readonly kind: 'allowed'; readonly allowed: boolean }
  /** Stricter: less. Infinity is no limit. */
  | { readonly kind: 'atMost'; readonly most: number }
  /** Stricter: more. */
  | { readonly kind: 'atLeast'; readonly least: number }
  /** The choices there are; stricter: fewer (both must have them). Sorted, without repeats. */
  | { readonly kind: 'only'; readonly of: readonly string[] | 'any' }
  /** What applies in any case; stricter: more (either has them). Sorted, without repeats. */
  | { readonly kind: 'all'; readonly of: readonly string[] };

export type LimitKind = Limit['kind'];

export function meet(a: Limit, b: Limit): Limit {
  switch (a.kind) {
    case 'allowed':
      return b.kind === a.kind ? { kind: a.kind, allowed: a.allowed && b.allowed } : mixed(a, b);
    case 'atMost':
      return b.kind === a.kind ? { kind: a.kind, most: Math.min(a.most, b.most) } : mixed(a, b);
    case 'atLeast':
      return b.kind === a.kind ? { kind: a.kind, least: Math.max(a.least, b.least) } : mixed(a, b);
    case 'only':
      return b.kind === a.kind ? { kind: a.kind, of: inBoth(a.of, b.of) } : mixed(a, b);
    case 'all':
      return b.kind === a.kind ? { kind: a.kind, of: sortedSet([...a.of, ...b.of]) } : mixed(a, b);
  }
}

export function sameLimit(a: Limit, b: Limit): boolean {
  switch (a.kind) {
    case 'allowed':
      return b.kind === a.kind && a.allowed === b.allowed;
    case 'atMost':
      return b.kind === a.kind && a.most === b.most;
    case 'atLeast':
      return b.kind === a.kind && a.least === b.least;
    case 'only':
      return b.kind === a.kind && sameChoices(a.of, b.of);
    case 'all':
      return b.kind === a.kind && sameChoices(a.of, b.of);
  }
}

/** Whether all that `a` permits is permitted by `b`. */
export function isAsStrict(a: Limit, b: Limit): boolean {
  return sameLimit(meet(a, b), a);
}

/** One form for each set, so that equal sets are equal lists on every machine: by code unit, not by locale. */
export function sortedSet(items: readonly string[]): readonly string[] {
  return [...new Set(items)].sort();
}

function inBoth(a: readonly string[] | 'any', b: readonly string[] | 'any'): readonly string[] | 'any' {
  if (a === 'any') return b;
  return b === 'any' ? a : a.filter((item) => b.includes(item));
}

function sameChoices(a: readonly string[] | 'any', b: readonly string[] | 'any'): boolean {
  if (a === 'any' || b === 'any') return a === b;
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

function mixed(a: Limit, b: Limit): never {
  throw new TypeError(`A field has one kind of limit, not ${a.kind} and ${b.kind}.`);
}
