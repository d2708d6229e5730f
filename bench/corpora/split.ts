import { isTest } from './clean.ts';
import type { SourceFile, Splits } from './corpus.ts';
import { hash } from './duplicates.ts';

const wanted = [0.7, 0.1, 0.2] as const;
/** So that no package swallows a split. */
const maxPackageUnits = 60_000;
/** Of a package's source: tests are longer than what they test, and more alike. */
const testShare = 1 / 3;

/**
 * An author's packages by the day of publication: the oldest train, the newest test, as a developer's own history would
 * be split. No package is in two splits.
 */
export function splitByTime(files: readonly SourceFile[]): Splits {
  const packages = [...grouped(files, (file) => file.package).values()]
    .map(capped)
    .filter((group) => group.length > 0)
    .toSorted((a, b) => (dayAndName(a) < dayAndName(b) ? -1 : 1));
  const [first, second] = cuts(packages.map(units));
  return {
    train: packages.slice(0, first).flat(),
    valid: packages.slice(first, second).flat(),
    test: packages.slice(second).flat(),
  };
}

/** In the order in which the keys are first met. */
export function grouped<T>(values: readonly T[], key: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(key(value));
    if (group === undefined) groups.set(key(value), [value]);
    else group.push(value);
  }
  return groups;
}

function dayAndName(group: readonly SourceFile[]): string {
  return `${group[0]?.published} ${group[0]?.package}`;
}

function units(files: readonly SourceFile[]): number {
  return files.reduce((sum, { text }) => sum + text.length, 0);
}

/** As many whole files as fit, in an order that has nothing to do with what they hold. */
function capped(files: readonly SourceFile[]): readonly SourceFile[] {
  const shuffled = files.toSorted((a, b) => hash(a.path) - hash(b.path));
  const kept = new Set<SourceFile>();
  const fill = (some: readonly SourceFile[], limit: number): number => {
    let sum = 0;
    for (const file of some) {
      if (sum + file.text.length > limit) continue;
      kept.add(file);
      sum += file.text.length;
    }
    return sum;
  };
  const sourceUnits = fill(
    shuffled.filter(({ path }) => !isTest(path)),
    maxPackageUnits,
  );
  fill(
    shuffled.filter(({ path }) => isTest(path)),
    sourceUnits * testShare,
  );
  return files.filter((file) => kept.has(file));
}

/** The two cuts whose parts come nearest to what is wanted, by the chi-square distance; no part is empty. */
function cuts(sizes: readonly number[]): readonly [number, number] {
  const sums = [0];
  for (const size of sizes) sums.push((sums.at(-1) ?? 0) + size);
  const total = sums.at(-1) ?? 0;
  const share = (from: number, to: number): number => ((sums[to] ?? 0) - (sums[from] ?? 0)) / total;
  let best: { readonly distance: number; readonly at: readonly [number, number] } = { distance: Infinity, at: [1, 2] };
  for (let i = 1; i < sizes.length - 1; i++) {
    for (let j = i + 1; j < sizes.length; j++) {
      const shares = [share(0, i), share(i, j), share(j, sizes.length)];
      const distance = wanted.reduce((sum, part, k) => sum + ((shares[k] ?? 0) - part) ** 2 / part, 0);
      if (distance < best.distance) best = { distance, at: [i, j] };
    }
  }
  return best.at;
}
