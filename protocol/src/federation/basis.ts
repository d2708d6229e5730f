import { fromLevels, toLevels } from './levels.ts';
import { accept, type Outcome, refuse } from './refusal.ts';

/**
 * docs/protocol.md, “Basis”: directions of each adapted matrix's outputs, found on public code. A member sends how far its
 * gradient of B goes along them, which is far fewer numbers, so that the same privacy costs far less noise.
 */
export interface Basis {
  /** Columns of every B. */
  readonly rank: number;
  /** Columns of every matrix of the basis. */
  readonly directions: number;
  /** U of each adapted matrix in the order of an update (out × directions, row by row), its columns nearly orthonormal. */
  readonly matrices: readonly Float32Array[];
}

/** What a basis is, without its numbers. */
export interface BasisShape {
  readonly rank: number;
  readonly directions: number;
  /** Outputs of each adapted matrix. */
  readonly outputs: readonly number[];
}

/**
 * Largest Frobenius norm of UᵀU − I. What is expanded is then at most √(1 + this) times as long as what was summed. Rounding to
 * bytes uses up more of it the more outputs there are: 0.04 at most of SmolLM2-135M's 1536, and several times that of larger models'.
 */
const mostSkew = 0.5;

/** Numbers that a member sends. */
export function reducedLength({ matrices, directions, rank }: Basis): number {
  return matrices.length * directions * rank;
}

/** Numbers of the update that they stand for. */
export function expandedLength({ matrices, directions, rank }: Basis): number {
  return matrices.reduce((sum, { length }) => sum + (length / directions) * rank, 0);
}

/**
 * C = UᵀG of each matrix's G (out × rank), C being directions × rank, row by row. Sums are in double precision, in the order
 * of the outputs, rounded once to floats: everybody gets the same bits.
 */
export function reduceUpdate(update: Float32Array, basis: Basis): Outcome<Float32Array, 'updateSize'> {
  if (update.length !== expandedLength(basis)) return refuse('updateSize');
  const { rank, directions, matrices } = basis;
  const reduced = new Float32Array(reducedLength(basis));
  let [from, to] = [0, 0];
  for (const matrix of matrices) {
    const outputs = matrix.length / directions;
    for (let direction = 0; direction < directions; direction++) {
      for (let column = 0; column < rank; column++) {
        let sum = 0;
        for (let output = 0; output < outputs; output++) {
          sum += (matrix[output * directions + direction] ?? 0) * (update[from + output * rank + column] ?? 0);
        }
        reduced[to++] = sum;
      }
    }
    from += outputs * rank;
  }
  return accept(reduced);
}

/** UC of each matrix's C: the update (of B alone) that coefficients stand for, exact as `reduceUpdate` is. */
export function expandUpdate(coefficients: Float32Array, basis: Basis): Outcome<Float32Array, 'updateSize'> {
  if (coefficients.length !== reducedLength(basis)) return refuse('updateSize');
  const { rank, directions, matrices } = basis;
  const update = new Float32Array(expandedLength(basis));
  let [from, to] = [0, 0];
  for (const matrix of matrices) {
    for (let row = 0; row < matrix.length; row += directions) {
      for (let column = 0; column < rank; column++) {
        let sum = 0;
        for (let direction = 0; direction < directions; direction++) {
          sum += (matrix[row + direction] ?? 0) * (coefficients[from + direction * rank + column] ?? 0);
        }
        update[to++] = sum;
      }
    }
    from += directions * rank;
  }
  return accept(update);
}

export interface RoundedBasis {
  /** Of each matrix's numbers. */
  readonly ranges: readonly number[];
  /** One signed byte for each number, matrix by matrix. */
  readonly levels: Uint8Array;
  /** What they stand for. */
  readonly basis: Basis;
}

/** Rounds each matrix to bytes within a range of its own. */
export function roundBasis(basis: Basis): Outcome<RoundedBasis, BasisRefusal> {
  const { rank, directions, matrices } = basis;
  if (matrices.some(({ length }) => length % directions !== 0)) return refuse('basisSize');
  if (matrices.some((matrix) => !isNearOrthonormal(matrix, directions))) return refuse('basisSkewed');
  const lengths = matrices.map(({ length }) => length);
  const values = new Float32Array(lengths.reduce((sum, length) => sum + length, 0));
  let from = 0;
  for (const matrix of matrices) {
    values.set(matrix, from);
    from += matrix.length;
  }
  const { segments, levels } = toLevels(values, lengths);
  const ranges = segments.map(({ range }) => range);
  const outputs = lengths.map((length) => length / directions);
  const rounded = basisValues(levels, { rank, directions, outputs }, ranges);
  return rounded.ok ? accept({ ranges, levels, basis: rounded.value }) : rounded;
}

export type BasisRefusal = 'basisSize' | 'basisRange' | 'basisSkewed';

/** The basis that bytes stand for, the same floats for everybody; `ranges` are one for each matrix. */
export function basisValues(
  levels: Uint8Array,
  { rank, directions, outputs }: BasisShape,
  ranges: readonly number[],
): Outcome<Basis, BasisRefusal> {
  const segments = outputs.map((each, i) => ({ length: each * directions, range: ranges[i] ?? 0 }));
  const length = segments.reduce((sum, each) => sum + each.length, 0);
  if (levels.length !== length || ranges.length !== outputs.length) return refuse('basisSize');
  const values = fromLevels(levels, segments);
  if (values === undefined) return refuse('basisRange');
  let from = 0;
  const matrices = segments.map((each) => {
    const matrix = values.subarray(from, from + each.length);
    from += each.length;
    return matrix;
  });
  const isSkewed = matrices.some((matrix) => !isNearOrthonormal(matrix, directions));
  return isSkewed ? refuse('basisSkewed') : accept({ rank, directions, matrices });
}

/** Not with infinite or absent numbers, either: no comparison with them holds. */
function isNearOrthonormal(matrix: Float32Array, directions: number): boolean {
  let skew = 0;
  for (let a = 0; a < directions; a++) {
    for (let b = 0; b <= a; b++) {
      let product = 0;
      for (let row = 0; row < matrix.length; row += directions) {
        product += (matrix[row + a] ?? 0) * (matrix[row + b] ?? 0);
      }
      skew += a === b ? (product - 1) ** 2 : 2 * product ** 2;
    }
  }
  return Math.sqrt(skew) <= mostSkew;
}
