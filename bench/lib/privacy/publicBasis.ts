import { type Basis, roundBasis } from '#protocol/federation/basis.ts';
import { basisFrom } from '../../../demo/gradientBasis.ts';
import type { Code } from './corpus.ts';
import { outputs, parameters, rank } from './vectors.ts';
import type { Workshop } from './workshop.ts';

/** More than a start is trained on: what it has learnt is not in the gradients of its own windows any more. */
const windowsPerPackage = 16;
const groups = 48;

/**
 * The first directions of public code's gradients from where the round begins, as bytes, by the code of the lead's command; which
 * takes windows that follow each other for a gradient, where these are from all packages.
 */
export async function publicBasis(code: Code, workshop: Workshop, directions: number): Promise<Basis> {
  const windows = await code.publicWindows(windowsPerPackage);
  const gradients: Float32Array[] = [];
  for (let group = 0; group < groups; group++) {
    const own = windows.filter((_, i) => i % groups === group);
    gradients.push(await workshop.gradient(`public-${group}of${groups}`, own, false));
  }
  const layers = parameters / rank / outputs.reduce((sum, out) => sum + out, 0);
  const shape = { rank, directions, outputs: Array.from({ length: layers }, () => outputs).flat() };
  const found = basisFrom(gradients, shape);
  const rounded = found && roundBasis(found);
  if (rounded?.ok !== true) throw new Error(`Public code has no basis of ${directions} directions.`);
  return rounded.value.basis;
}
