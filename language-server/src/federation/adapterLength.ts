import type { Plan } from '#protocol/federation/messages.ts';
import type { GgufFile } from '../engine/gguf.ts';
import { tensorOf } from '../learning/adapterFile.ts';

/** Values of an update; undefined for a model that lacks a tensor which the adapter names. */
export function updateLengthFor(model: Pick<GgufFile, 'tensors'>, adapter: Plan['adapter']): number | undefined {
  return matrixLengthsFor(model, adapter)?.reduce((sum, length) => sum + length, 0);
}

/**
 * Values of each matrix of an update, in its order (native/src/adapter.h): of each adapted matrix (out × in), A has rank · in
 * where it is trained, and B out · rank.
 */
export function matrixLengthsFor(
  { tensors }: Pick<GgufFile, 'tensors'>,
  { rank, targets, matrices }: Plan['adapter'],
): readonly number[] | undefined {
  const lengths: number[] = [];
  for (let layer = 0; ; layer++) {
    const shapes = targets.map((target) => tensors.get(`blk.${layer}.${tensorOf[target]}.weight`));
    if (shapes.every((shape) => shape === undefined)) return layer === 0 ? undefined : lengths;
    for (const shape of shapes) {
      // GGUF gives the length of a row first: the matrix's inputs.
      const [inputs, outputs] = shape ?? [];
      if (inputs === undefined || outputs === undefined) return undefined;
      if (matrices === 'both') lengths.push(rank * inputs);
      lengths.push(rank * outputs);
    }
  }
}
