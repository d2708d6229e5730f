import type { Field } from './fields.ts';
import { fieldNames } from './fields.ts';
import type { Layer } from './layers.ts';
import { readFields } from './policyDocument.ts';

/** A layer whose author's mistakes are told, field by field. */
export interface CheckedLayer {
  readonly layer: Layer;
  readonly complaints: readonly string[];
}

/**
 * The user's settings, from the user's own scope. Values of the workspace may be passed as further layers of this kind:
 * like every layer they can only make things stricter. A value that cannot be read is left out and told; whatever binds
 * the user stands in the layers above.
 */
export function userLayer(settings: Readonly<Record<string, unknown>>): CheckedLayer {
  const { limits, complaints } = readFields(settings, fieldNames);
  return { layer: { name: 'user', limits }, complaints };
}

/** What a repository's federation may ask of its members; anything else there is refused, since a repository is not trusted. */
export const federationFields: readonly Field[] = [
  'learningSignals',
  'ownHistory',
  'retentionDays',
  'minimumCohort',
  'privacyMechanisms',
  'delta',
  'epsilonPerRound',
  'epsilonPerYear',
  'epsilonLifetime',
  'adapterRank',
  'adapterTargets',
  'bytesPerRound',
];

/**
 * The minimums in `.argot/federation.json`. What this version does not understand could be a minimum that a member would
 * miss, so the federation is off for this member until it does.
 */
export function federationLayer(minimums: Readonly<Record<string, unknown>>): CheckedLayer {
  const { limits, complaints } = readFields(minimums, federationFields);
  if (complaints.length === 0) return { layer: { name: 'federation', limits }, complaints };
  const off = new Map(limits).set('federation', { kind: 'allowed', allowed: false });
  const lockedDown = `The federation’s minimums are not understood: ${complaints.join('; ')}. This federation is off here.`;
  return { layer: { name: 'federation', limits: off, lockedDown }, complaints };
}
