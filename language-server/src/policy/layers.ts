import { type Field, fieldNames, fieldSpecs } from './fields.ts';
import { type Limit, meet, sameLimit } from './limits.ts';

/** From the highest authority to the lowest. Authority only says who is named as the origin: the strictest limit holds. */
export const layerNames = ['floor', 'organisation', 'admin', 'user', 'federation'] as const;
export type LayerName = (typeof layerNames)[number];

export interface Layer {
  readonly name: LayerName;
  readonly limits: ReadonlyMap<Field, Limit>;
  /** Why this layer shuts things off on its own account, as a sentence; absent where it could be read as it is. */
  readonly lockedDown?: string;
}

/** What holds for one field. */
export interface EffectiveValue {
  readonly field: Field;
  readonly limit: Limit;
  /** The layers without which it would be looser or not the same, by authority. */
  readonly origins: readonly LayerName[];
  /** The user cannot loosen it: it is set above, below the floor's own. */
  readonly locked: boolean;
  /** What the user's own settings can loosen it to, at most. */
  readonly bound: Limit;
}

export interface EffectivePolicy {
  readonly values: ReadonlyMap<Field, EffectiveValue>;
  /** Sentences of the layers that are locked down, by authority. */
  readonly lockedDown: readonly string[];
}

/** A layer that cannot be trusted as it is shuts off all that learns or leaves; completion goes on with what is there. */
const shut: readonly Field[] = ['learning', 'ownHistory', 'federation', 'network'];

export function lockDown(name: LayerName, reason: string, readable: ReadonlyMap<Field, Limit> = new Map()): Layer {
  const limits = new Map(readable);
  for (const field of shut) limits.set(field, { kind: 'allowed', allowed: false });
  return { name, limits, lockedDown: reason };
}

/** Several layers of one name are merged like any others; the floor is always there. */
export function effectivePolicy(layers: readonly Layer[]): EffectivePolicy {
  const byAuthority = layerNames.flatMap((name) => layers.filter((layer) => layer.name === name));
  return {
    values: new Map(fieldNames.map((field) => [field, effectiveValue(field, byAuthority)])),
    lockedDown: byAuthority.flatMap(({ lockedDown }) => lockedDown ?? []),
  };
}

export function valueFor(policy: EffectivePolicy, field: Field): EffectiveValue {
  const value = policy.values.get(field);
  if (value === undefined) throw new Error(`The effective policy lacks ${field}.`);
  return value;
}

function effectiveValue(field: Field, layers: readonly Layer[]): EffectiveValue {
  const { floor } = fieldSpecs[field];
  let limit: Limit = floor;
  let bound: Limit = floor;
  for (const layer of layers) {
    const own = layer.limits.get(field);
    if (own === undefined) continue;
    limit = meet(limit, own);
    if (layer.name !== 'user') bound = meet(bound, own);
  }
  return {
    field,
    limit,
    origins: originsOf(limit, floor, field, layers),
    locked: sameLimit(limit, bound) && !sameLimit(bound, floor),
    bound,
  };
}

/** One layer that says it all is named alone, the highest first; otherwise each that took something away. */
function originsOf(limit: Limit, floor: Limit, field: Field, layers: readonly Layer[]): readonly LayerName[] {
  if (sameLimit(limit, floor)) return ['floor'];
  const alone = layers.find(({ limits }) => sameLimit(limits.get(field) ?? floor, limit));
  if (alone !== undefined) return [alone.name];
  const origins: LayerName[] = [];
  let merged = floor;
  for (const { name, limits } of layers) {
    const next = meet(merged, limits.get(field) ?? floor);
    if (!sameLimit(next, merged) && !origins.includes(name)) origins.push(name);
    merged = next;
  }
  return origins;
}
