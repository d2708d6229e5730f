import { canonicalItem, type Field, type FieldOf } from './fields.ts';
import { type EffectivePolicy, type LayerName, valueFor } from './layers.ts';
import type { Limit } from './limits.ts';

/** Why policy forbids an action: which field, who set it, what it says and what was asked. */
export interface PolicyRefusal {
  readonly field: Field;
  readonly origins: readonly LayerName[];
  readonly limit: Limit;
  /** Absent for fields that are only allowed or not. */
  readonly asked?: number | string;
  /** The sentences of the layers that are locked down, where those decided it. */
  readonly lockedDown: readonly string[];
}

export type Decision = { readonly permitted: true } | { readonly permitted: false; readonly refusal: PolicyRefusal };

const permitted: Decision = { permitted: true };

export function mayUse(policy: EffectivePolicy, field: FieldOf<'allowed'>): Decision {
  const { limit } = valueFor(policy, field);
  return limit.kind === 'allowed' && limit.allowed ? permitted : refused(policy, field);
}

/** An amount that is not a number is refused. */
export function mayTake(policy: EffectivePolicy, field: FieldOf<'atMost' | 'atLeast'>, amount: number): Decision {
  const { limit } = valueFor(policy, field);
  const fits = (limit.kind === 'atMost' && amount <= limit.most) || (limit.kind === 'atLeast' && amount >= limit.least);
  return fits ? permitted : refused(policy, field, amount);
}

export function mayChoose(policy: EffectivePolicy, field: FieldOf<'only'>, choice: string): Decision {
  const { limit } = valueFor(policy, field);
  const isAmong = limit.kind === 'only' && (limit.of === 'any' || limit.of.includes(canonicalItem(field, choice)));
  return isAmong ? permitted : refused(policy, field, choice);
}

/** What applies in any case, such as the patterns of files that are never read. */
export function allOf(policy: EffectivePolicy, field: FieldOf<'all'>): readonly string[] {
  const { limit } = valueFor(policy, field);
  return limit.kind === 'all' ? limit.of : [];
}

/** The first refusal of several decisions: an action that needs all of them. */
export function everyOf(decisions: Iterable<Decision>): Decision {
  for (const decision of decisions) if (!decision.permitted) return decision;
  return permitted;
}

const whose: Readonly<Record<LayerName, string>> = {
  floor: 'by Argot itself',
  organisation: 'by your organisation',
  admin: 'by this machine’s administrator',
  user: 'by your settings',
  federation: 'by the repository’s federation',
};

/** One sentence for a person; the reasons of a lock-down follow it. */
export function refusalSentence({ field, origins, limit, asked, lockedDown }: PolicyRefusal): string {
  const by = origins.map((origin) => whose[origin]).join(' and ');
  const said = asked === undefined ? '' : ` (asked: ${asked})`;
  return [`“${field}” is set to ${limitText(limit)} ${by}${said}.`, ...lockedDown].join(' ');
}

export function limitText(limit: Limit): string {
  switch (limit.kind) {
    case 'allowed':
      return limit.allowed ? 'on' : 'off';
    case 'atMost':
      return limit.most === Number.POSITIVE_INFINITY ? 'no limit' : `at most ${limit.most}`;
    case 'atLeast':
      return `at least ${limit.least}`;
    case 'only':
      if (limit.of === 'any') return 'any';
      return limit.of.length === 0 ? 'none' : `only ${limit.of.join(', ')}`;
    case 'all':
      return limit.of.length === 0 ? 'nothing' : limit.of.join(', ');
  }
}

function refused(policy: EffectivePolicy, field: Field, asked?: number | string): Decision {
  const { limit, origins } = valueFor(policy, field);
  const isShut = limit.kind === 'allowed';
  const refusal = { field, origins, limit, lockedDown: isShut ? policy.lockedDown : [] };
  return { permitted: false, refusal: asked === undefined ? refusal : { ...refusal, asked } };
}
