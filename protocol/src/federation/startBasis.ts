import { type Basis, type BasisRefusal, basisValues } from './basis.ts';
import { sameBytes } from './bytes.ts';
import type { Start } from './messages.ts';
import { type Outcome, refuse } from './refusal.ts';
import { sha256 } from './signedMessage.ts';

export type StartBasisRefusal = 'basisAdapter' | 'basisMissing' | 'basisHash' | BasisRefusal;

/** The basis of a start from its blob, the same floats for everybody. */
export function startBasis(
  blob: Uint8Array | undefined,
  { adapter, basis, segments }: Pick<Start, 'adapter' | 'basis' | 'segments'>,
): Outcome<Basis, StartBasisRefusal> {
  if (blob === undefined || basis === null) return refuse('basisMissing');
  const { directions, ranges, values } = basis;
  const { rank, matrices } = adapter;
  const isOfMatrices = ranges.length === segments.length && segments.every(({ length }) => length % rank === 0);
  if (matrices !== 'b' || !isOfMatrices) return refuse('basisAdapter');
  if (!sameBytes(sha256(blob), values)) return refuse('basisHash');
  return basisValues(blob, { rank, directions, outputs: segments.map(({ length }) => length / rank) }, ranges);
}
