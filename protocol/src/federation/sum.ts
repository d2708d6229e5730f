import { sameBytes } from './bytes.ts';
import { applyMasks, type Mask } from './maskStream.ts';
import type { Survivors } from './messages.ts';
import { accept, type Outcome, refuse } from './refusal.ts';
import { type CheckedRelease, openedPlaces } from './release.ts';
import { addPacked, packedBytes, type RingVector, unpack } from './ring.ts';
import type { Round } from './round.ts';
import { seedCommitment } from './seeds.ts';
import { combineShares } from './shares.ts';
import { type CheckedUpload, checkPayload, pairSign } from './upload.ts';

/** A sum of payloads that grows one at a time: its memory is one payload's, however many members there are. */
export interface StreamingSum {
  add(payload: Uint8Array): void;
  /** What the payloads so far give together. */
  vector(): RingVector;
}

export function streamingSum({ length, modulusBits }: Pick<Round, 'length' | 'modulusBits'>): StreamingSum {
  const words = new Uint32Array(packedBytes(length, modulusBits) / 4);
  return {
    add: (payload) => addPacked(words, payload, modulusBits),
    vector: () => unpack(new Uint8Array(words.buffer), length, modulusBits),
  };
}

/** Reads and adds the survivors' payloads, one in memory at a time. */
export async function sumPayloads(
  round: Round,
  uploads: readonly CheckedUpload[],
  readPayload: (hash: Uint8Array, signal: AbortSignal) => Promise<Uint8Array | undefined>,
  signal: AbortSignal,
): Promise<Outcome<RingVector, 'uploadMissing' | 'payloadHash' | 'payloadSize' | 'payloadPadding'>> {
  const sum = streamingSum(round);
  for (const { body, member } of uploads) {
    signal.throwIfAborted();
    const payload = await readPayload(body.payload, signal);
    if (payload === undefined) return refuse('uploadMissing', [member.index]);
    const checked = checkPayload(payload, body.payload, round);
    if (!checked.ok) return refuse(checked.refusal, [member.index]);
    sum.add(payload);
  }
  return accept(sum.vector());
}

export type UnmaskRefusal = 'tooFewReleases' | 'sharesInconsistent';

/** The masks that stand in the way of the sum, from the releases; `uploads` are the survivors', in their order. */
export async function openMasks(
  round: Round,
  survivors: Survivors,
  uploads: readonly CheckedUpload[],
  releases: readonly CheckedRelease[],
  signal: AbortSignal,
): Promise<Outcome<readonly Mask[], UnmaskRefusal>> {
  const dropped = new Set(survivors.dropped);
  const masks: Mask[] = [];
  for (const [place, upload] of uploads.entries()) {
    signal.throwIfAborted();
    const { index } = upload.member;
    const opened = openedPlaces(round, index, dropped);
    const commitments = opened.map((each) => upload.body.commitments[each] ?? new Uint8Array(0));
    const shares = releases.flatMap(({ body }) => body.shares[place] ?? []);
    const seeds = await recoverSeeds(round, shares, commitments);
    if (!seeds.ok) return refuse(seeds.refusal, [index]);
    for (const [i, seed] of seeds.value.entries()) {
      const neighbour = round.neighbours[index]?.[(opened[i] ?? 0) - 1];
      // What stands in the sum is taken away again.
      masks.push({ seed, sign: neighbour === undefined || pairSign(index, neighbour) === 1 ? -1 : 1 });
    }
  }
  return accept(masks);
}

/** Takes the opened masks from the sum, in place: what is left is the sum of the survivors' vectors. */
export function unmask(sum: RingVector, masks: readonly Mask[]): void {
  applyMasks(sum, masks);
}

/** Without one holder at a time where the first attempt fails, so that a single wrong share does not end the round. */
async function recoverSeeds(
  round: Round,
  shares: readonly Uint8Array[],
  commitments: readonly Uint8Array[],
): Promise<Outcome<readonly Uint8Array[], UnmaskRefusal>> {
  if (shares.length < round.threshold) return refuse('tooFewReleases');
  const first = shares.slice(0, round.threshold);
  const spare = shares.slice(round.threshold, round.threshold + 1);
  const attempts = [
    first,
    ...(spare.length > 0 ? first.map((out) => [...first.filter((each) => each !== out), ...spare]) : []),
  ];
  for (const attempt of attempts) {
    const seeds = await combineShares(attempt);
    const fit = seeds?.every((seed, i) => sameBytes(seedCommitment(round.id, seed), commitments[i] ?? seed));
    if (seeds !== undefined && fit === true) return accept(seeds);
  }
  return refuse('sharesInconsistent');
}
