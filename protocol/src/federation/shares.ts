import { combine, split } from 'shamir-secret-sharing';
import { join, label } from './bytes.ts';
import { open, type Recipient, type SealContext, seal, sealOverheadBytes } from './hpke.ts';
import { type CohortMember, memberAt, type Round } from './round.ts';
import { seedBytes } from './seeds.ts';

/**
 * The seeds of one uploader are shared as one secret, since Shamir sharing goes byte by byte: the share of a seed is a
 * stretch of the whole share, with the holder's coordinate behind it.
 */

/** One sealed box for each committee member, in order; undefined if a sealing key is of small order. */
export async function sealShares(
  round: Round,
  uploader: CohortMember,
  seeds: readonly Uint8Array[],
): Promise<readonly Uint8Array[] | undefined> {
  const shares = await split(join(...seeds), round.committee.length, round.threshold);
  const boxes: Uint8Array[] = [];
  for (const [i, holder] of round.committee.entries()) {
    const recipient = memberAt(round, holder);
    const box = seal(shares[i] ?? new Uint8Array(0), recipient.sealingKey, boxContext(round, uploader, recipient));
    if (box === undefined) return undefined;
    boxes.push(box);
  }
  return boxes;
}

export function boxBytes(seeds: number): number {
  return seeds * seedBytes + 1 + sealOverheadBytes;
}

/** The share in a box; undefined if it does not open or is not of the right size. */
export function openBox(
  round: Round,
  uploader: CohortMember,
  holder: CohortMember,
  sealing: Recipient,
  box: Uint8Array,
): Uint8Array | undefined {
  const seeds = 1 + (round.neighbours[uploader.index]?.length ?? 0);
  if (box.length !== boxBytes(seeds)) return undefined;
  return open(box, sealing, boxContext(round, uploader, holder));
}

/** The part of a share that belongs to the seeds at these places, ascending. */
export function selectFromShare(share: Uint8Array, places: readonly number[]): Uint8Array {
  const parts = places.map((place) => share.subarray(place * seedBytes, (place + 1) * seedBytes));
  return join(...parts, share.subarray(-1));
}

/** The seeds again, from at least the threshold's number of shares of the same places; undefined if they are no shares. */
export async function combineShares(shares: readonly Uint8Array[]): Promise<readonly Uint8Array[] | undefined> {
  const coordinates = new Set(shares.map((share) => share.at(-1)));
  // The library throws for these; they come from the wire, where they are an expected outcome.
  if (coordinates.size < shares.length || coordinates.has(0)) return undefined;
  const joined = await combine(shares.map((share) => new Uint8Array(share)));
  return Array.from({ length: joined.length / seedBytes }, (_, i) => joined.slice(i * seedBytes, (i + 1) * seedBytes));
}

function boxContext(round: Round, uploader: CohortMember, recipient: CohortMember): SealContext {
  return { info: label('argot share box 1'), associatedData: join(round.id, uploader.key, recipient.key) };
}
