import { sameBytes } from './bytes.ts';
import { type Result, resultSchema, type Survivors } from './messages.ts';
import { largestLevel } from './quantiser.ts';
import { accept, type MessageRefusal, type Outcome, refuse } from './refusal.ts';
import { packedBytes, paddingIsZero, type RingVector, signedLane, unpack } from './ring.ts';
import type { Round } from './round.ts';
import { openMessage, type Signed, sha256 } from './signedMessage.ts';

export type ResultRefusal =
  | MessageRefusal
  | 'unknownPlan'
  | 'wrongSurvivors'
  | 'sumHash'
  | 'sumSize'
  | 'sumPadding'
  | 'weightRange'
  | 'levelRange'
  | 'norm';

/** A result's signature and place; then `checkSum` for the blob that it names. */
export function openResult(
  message: Uint8Array,
  round: Round,
  survivors: Signed<Survivors>,
): Outcome<Signed<Result>, ResultRefusal> {
  const { federation, coordinator } = round.anchors;
  const signed = openMessage(message, resultSchema, { federation, signer: coordinator });
  if (!signed.ok) return signed;
  if (!sameBytes(signed.value.body.plan, round.id)) return refuse('unknownPlan');
  return sameBytes(signed.value.body.survivors, survivors.id) ? signed : refuse('wrongSurvivors');
}

/** Whether a published sum can be the sum of that many clipped and rounded updates. */
export function checkSum(
  blob: Uint8Array,
  result: Result,
  round: Round,
  survivors: Survivors,
): Outcome<RingVector, ResultRefusal> {
  const { length, modulusBits, plan } = round;
  if (!sameBytes(sha256(blob), result.sum)) return refuse('sumHash');
  if (blob.length !== packedBytes(length, modulusBits)) return refuse('sumSize');
  if (!paddingIsZero(blob, length, modulusBits)) return refuse('sumPadding');
  const sum = unpack(blob, length, modulusBits);
  const count = survivors.survivors.length;
  if (sum.weight < count || sum.weight > count * plan.maxWeight) return refuse('weightRange');
  const { squared, roundingSquared, inRange } = measure(sum, round);
  if (!inRange) return refuse('levelRange');
  const longest = (plan.clipNorm * sum.weight) / plan.maxWeight + count * Math.sqrt(roundingSquared);
  // A millionth for the float arithmetic of clipping, at the members and here.
  const tooLong = plan.privacy.mechanism !== 'client' && Math.sqrt(squared) > longest * (1 + 1e-6);
  return tooLong ? refuse('norm') : accept(sum);
}

function measure(sum: RingVector, { plan, sumBound }: Round) {
  const largest = largestLevel(plan.quantiser.bits);
  let [squared, roundingSquared, inRange, from] = [0, 0, true, 0];
  for (const { length, range } of plan.quantiser.segments) {
    const step = range / largest;
    roundingSquared += length * step * step;
    let levels = 0;
    for (let i = from; i < from + length; i++) {
      const level = signedLane(sum, i);
      if (Math.abs(level) > sumBound) inRange = false;
      levels += level * level;
    }
    squared += levels * step * step;
    from += length;
  }
  return { squared, roundingSquared, inRange };
}
