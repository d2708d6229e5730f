/** Weight of the newest measurement: speeds follow load within a few requests and forget single stalls. */
const newestWeight = 0.2;
/** Fewer tokens than this say nothing of prefill speed. */
const fullChunk = 32;
/** A batch is cheap when its tokens cost less than this share of a decoded token. */
const cheapShare = 0.4;

/** How fast the model runs here and now, in tokens per second. */
export function createSpeedometer() {
  let prefill: number | undefined;
  let decode: number | undefined;
  const blend = (old: number | undefined, tokens: number, ms: number) => {
    const now = (tokens / Math.max(ms, 0.01)) * 1000;
    return old === undefined ? now : old + newestWeight * (now - old);
  };
  return {
    prefilled(tokens: number, ms: number) {
      if (tokens >= fullChunk) prefill = blend(prefill, tokens, ms);
    },
    decoded(tokens: number, ms: number) {
      if (tokens > 0) decode = blend(decode, tokens, ms);
    },
    read: () => (prefill === undefined || decode === undefined ? undefined : { prefill, decode }),
    /** Whether verifying drafts in one batch pays: where prefill is hardly faster than decode, it does not. */
    batchesAreCheap: () => prefill !== undefined && decode !== undefined && decode / prefill < cheapShare,
  };
}
