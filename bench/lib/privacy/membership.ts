import { rounded } from '../measure.ts';
import { meanDeviation, memberGradients, multiplierFor } from './clientLevel.ts';
import type { Code } from './corpus.ts';
import { clipped, dot, meanOf, rangesOf, withNoise } from './vectors.ts';
import type { Workshop } from './workshop.ts';

export interface MembershipRow {
  /** `plainUpdate`: the coordinator holds each member's own update, as without secure aggregation. */
  readonly holds: 'plainUpdate' | 'sum';
  readonly epsilon: number | 'none';
  /** Of telling members of the round from others: 0.5 is chance, 1 is certainty. */
  readonly auc: number;
}

const noiseDraws = 20;

/**
 * Who took part? Whoever knows a person's gradient on the very windows that were used asks how far it points along what the
 * coordinator holds. Members are the first parts of all authors; the others are the same authors' second parts, which
 * write alike: the hardest others to tell apart.
 */
export async function membershipInference(
  code: Code,
  workshop: Workshop,
  epsilons: readonly number[],
): Promise<MembershipRow[]> {
  const count = code.authors.length;
  const all = (await memberGradients(code, workshop, 2 * count)).map((each) => clipped(each, rangesOf('all')));
  const [members, others] = [all.slice(0, count), all.slice(count)];
  const mean = meanOf(members);
  const score = (held: Float32Array, whose: readonly Float32Array[]) => whose.map((each) => dot(held, each));
  const best = (whose: readonly Float32Array[]) =>
    whose.map((own) => Math.max(...members.map((each) => dot(each, own))));
  const rows: MembershipRow[] = [
    { holds: 'plainUpdate', epsilon: 'none', auc: auc(best(members), best(others)) },
    { holds: 'sum', epsilon: 'none', auc: auc(score(mean, members), score(mean, others)) },
  ];
  for (const epsilon of epsilons) {
    const deviation = meanDeviation(multiplierFor(epsilon), count);
    let sum = 0;
    for (let draw = 0; draw < noiseDraws; draw++) {
      const held = withNoise(mean, deviation, rangesOf('all'), `membership ${epsilon} ${draw}`);
      sum += auc(score(held, members), score(held, others));
    }
    rows.push({ holds: 'sum', epsilon, auc: rounded(sum / noiseDraws, 3) });
  }
  return rows;
}

/** The chance that a member scores above another; ties count half. */
function auc(inside: readonly number[], outside: readonly number[]): number {
  let wins = 0;
  for (const a of inside) for (const b of outside) wins += a > b ? 1 : a === b ? 0.5 : 0;
  return rounded(wins / (inside.length * outside.length), 3);
}
