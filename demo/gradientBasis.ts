import { EigenvalueDecomposition, Matrix, QrDecomposition } from 'ml-matrix';
import type { Basis, BasisShape } from '#protocol/federation/basis.ts';
import { euclideanNorm } from '#protocol/federation/quantiser.ts';
import { seededRandom } from '../language-server/src/learning/seededRandom.ts';

/** Of a singular value beside the largest: below it, a direction is what rounding left. */
const leastShare = 1e-6;

/**
 * The directions of each matrix's outputs that hold most of the gradients: the first left singular vectors of the gradients
 * side by side, each of norm 1, so that none has more to say than another. Undefined where they lie in fewer directions than
 * are asked for.
 */
export function basisFrom(gradients: readonly Float32Array[], shape: BasisShape): Basis | undefined {
  const { rank, directions, outputs } = shape;
  const matrices: Float32Array[] = [];
  const norms = gradients.map(euclideanNorm);
  let from = 0;
  for (const rows of outputs) {
    // out × (gradients · rank)
    const sideBySide = Matrix.zeros(rows, gradients.length * rank);
    for (const [g, gradient] of gradients.entries()) {
      const norm = norms[g] ?? 0;
      if (norm === 0) continue;
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < rank; column++) {
          sideBySide.set(row, g * rank + column, (gradient[from + row * rank + column] ?? 0) / norm);
        }
      }
    }
    const found = leftSingularVectors(sideBySide, directions);
    if (found === undefined) return undefined;
    matrices.push(found);
    from += rows * rank;
  }
  return { rank, directions, matrices };
}

/** More directions than are wanted, and rounds of multiplying: the wanted ones come out the clearer. */
const [more, rounds] = [8, 4];

/**
 * Of a matrix G, row by row, by subspace iteration from a random beginning (Halko, Martinsson & Tropp, SIAM Review 53, 2011,
 * algorithm 4.4): all singular vectors at once would take minutes for a model's matrices.
 */
function leftSingularVectors(matrix: Matrix, count: number): Float32Array | undefined {
  if (Math.min(matrix.rows, matrix.columns) < count) return undefined;
  const random = seededRandom(1);
  const width = Math.min(count + more, matrix.rows, matrix.columns);
  const transposed = matrix.transpose();
  let basis = orthonormal(matrix.mmul(Matrix.rand(matrix.columns, width, { random })));
  for (let round = 0; round < rounds; round++) basis = orthonormal(matrix.mmul(transposed.mmul(basis)));
  const within = transposed.mmul(basis);
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(within.transpose().mmul(within), {
    assumeSymmetric: true,
  });
  const places = realEigenvalues.map((_, i) => i).sort((a, b) => (realEigenvalues[b] ?? 0) - (realEigenvalues[a] ?? 0));
  const first = places.slice(0, count);
  const values = first.map((place) => Math.sqrt(Math.max(0, realEigenvalues[place] ?? 0)));
  const [largest = 0] = values;
  if (values.some((value) => !(value > leastShare * largest))) return undefined;
  const vectors = basis.mmul(eigenvectorMatrix.subMatrixColumn(first));
  return Float32Array.from({ length: matrix.rows * count }, (_, i) => vectors.get(Math.floor(i / count), i % count));
}

function orthonormal(columns: Matrix): Matrix {
  return new QrDecomposition(columns).orthogonalMatrix;
}
