import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { join, label } from './bytes.ts';
import type { Agree } from './keys.ts';
import { sha256 } from './signedMessage.ts';

export const seedBytes = 32;

/** One end of a pair: its place in the cohort and its long-term name. */
export interface PairEnd {
  readonly index: number;
  readonly key: Uint8Array;
}

/** The seed of the masks between two members, bound to the plan; undefined for an agreement key of small order. */
export function pairwiseSeed(
  planId: Uint8Array,
  own: PairEnd & { readonly agree: Agree },
  other: PairEnd & { readonly agreementKey: Uint8Array },
): Uint8Array | undefined {
  const shared = own.agree(other.agreementKey);
  if (shared === undefined) return undefined;
  const [lower, higher] = own.index < other.index ? [own, other] : [other, own];
  const info = join(label('argot pairwise seed 1'), lower.key, higher.key);
  return expand(nobleSha256, extract(nobleSha256, shared, planId), info, seedBytes);
}

/** Hides the seed, since it is random, and lets the coordinator tell whether shares give it back. */
export function seedCommitment(planId: Uint8Array, seed: Uint8Array): Uint8Array {
  return sha256(label('argot seed 1'), planId, seed);
}

export const graphSeed = (planId: Uint8Array): Uint8Array => sha256(label('argot graph 1'), planId);
export const committeeSeed = (planId: Uint8Array): Uint8Array => sha256(label('argot committee 1'), planId);
