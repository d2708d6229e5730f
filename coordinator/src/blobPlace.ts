import { sameBytes } from '#protocol/federation/bytes.ts';
import { packedBytes } from '#protocol/federation/ring.ts';
import { memberByKey } from '#protocol/federation/round.ts';
import { mostStartBytes } from '#protocol/federation/start.ts';
import type { FederationStore } from './federationStore.ts';
import type { OpenedRounds } from './openedRounds.ts';

/** What a caller may send under an id: a payload for a round, or the values and the basis of a start. */
export interface BlobPlace {
  readonly id: Uint8Array;
  mayHaveSize(size: number): boolean;
  /** Each sender has one blob here, and cannot begin another. */
  readonly takesOneEach: boolean;
  /** A round takes no payload any more. */
  isClosed(nowMs: number): boolean;
}

/** Members send to rounds whose cohort they are in; the lead alone to any other id, before it posts the start of that id. */
export function blobPlace(
  store: FederationStore,
  rounds: OpenedRounds,
  signer: Uint8Array,
  id: Uint8Array,
): BlobPlace | undefined {
  const found = rounds.byPlan(id);
  if (found === undefined) {
    if (!sameBytes(signer, store.anchors.lead)) return undefined;
    return { id, mayHaveSize: (size) => size <= mostStartBytes, takesOneEach: false, isClosed: () => false };
  }
  const { row, round } = found;
  if (memberByKey(round, signer) === undefined) return undefined;
  const payload = packedBytes(round.length, round.modulusBits);
  return {
    id,
    mayHaveSize: (size) => size === payload,
    takesOneEach: true,
    isClosed: (nowMs) => row.outcome !== null || row.survivorsMs !== null || nowMs > round.plan.deadlineMs,
  };
}
