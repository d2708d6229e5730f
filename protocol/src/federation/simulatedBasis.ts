import type { Basis, BasisShape } from './basis.ts';

/** Made-up directions at right angles: for tests, as nothing was found in any code. */
export function simulatedBasis({ rank, directions, outputs }: BasisShape, seed: number): Basis {
  return { rank, directions, matrices: outputs.map((each, i) => orthonormal(each, directions, seed + i)) };
}

/** By Gram and Schmidt from cosines, twice, since once leaves what rounding did. */
function orthonormal(outputs: number, directions: number, seed: number): Float32Array {
  const columns: (readonly number[])[] = [];
  for (let d = 0; d < directions; d++) {
    let column: readonly number[] = Array.from({ length: outputs }, (_, i) =>
      Math.cos(seed + 7 * d + (i + 1) * (i + d + 1)),
    );
    for (const other of [...columns, ...columns]) {
      const along = column.reduce((sum, value, i) => sum + value * (other[i] ?? 0), 0);
      column = column.map((value, i) => value - along * (other[i] ?? 0));
    }
    const norm = Math.hypot(...column);
    columns.push(column.map((value) => value / norm));
  }
  return Float32Array.from(
    { length: outputs * directions },
    (_, i) => columns[i % directions]?.[Math.floor(i / directions)] ?? 0,
  );
}
