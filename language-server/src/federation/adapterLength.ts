import type { Plan } from '#protocol/federation/messages.ts';
import type { GgufFile } from '../engine/gguf.ts';
import { tensorOf } from '../learning/adapterFile.ts';

/**
 * Values of an update: of each adapted matrix (out × in), B has out · rank and A rank · in. Undefined for a model that lacks
 * a tensor which the adapter names.
 */
export function updateLengthFor(
  { tensors }: Pick<GgufFile, 'tensors'>,
  { rank, targets, matrices }: Plan['adapter'],
): number | undefined {
  let length = 0;
  for (let layer = 0; ; layer++) {
    const shapes = targets.map((target) => tensors.get(`blk.${layer}.${tensorOf[target]}.weight`));
    if (shapes.every((shape) => shape === undefined)) return layer === 0 ? undefined : length;
    for (const shape of shapes) {
      // GGUF gives the length of a row first: the matrix's inputs.
      const [inputs, outputs] = shape ?? [];
      if (inputs === undefined || outputs === undefined) return undefined;
      length += rank * (matrices === 'both' ? inputs + outputs : outputs);
    }
  }
}
