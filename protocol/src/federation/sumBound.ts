import type { RoundSettings } from './messages.ts';
import { largestLevel } from './quantiser.ts';
import { modulusBits } from './ring.ts';

/** No coordinate of the sum of so many members is further from 0; `memberVariance` is of each one's noise, in squared levels. */
export function sumBound(members: number, bits: number, memberVariance: number): number {
  return members * largestLevel(bits) + Math.ceil(8 * Math.sqrt(members * memberVariance));
}

/** As many bits as are asked for, or as many as keep a coordinate of the sum within `laneBits`; two at the least. */
export function fittingBits(
  { bits, laneBits }: Pick<RoundSettings['quantiser'], 'bits' | 'laneBits'>,
  members: number,
  memberVariance: number,
): number {
  let fitting = bits;
  while (fitting > 2 && modulusBits(sumBound(members, fitting, memberVariance)) > laneBits) fitting--;
  return fitting;
}

/** One member's, of a plan's mechanism: none but in the client-level one goes into the sum. */
export function noiseVariance(privacy: RoundSettings['privacy']): number {
  return privacy.mechanism === 'client' ? privacy.memberVariance : 0;
}
