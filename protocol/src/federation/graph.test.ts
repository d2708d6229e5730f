import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { degreeFor, drawCommittee, isConnected, neighbourGraph } from './graph.ts';

const seedOf = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest());
const seeds = fc.integer().map((each) => seedOf(String(each)));

describe('neighbourGraph', () => {
  it('is regular, symmetric, simple and connected', () => {
    const sizes = fc.integer({ min: 3, max: 70 }).chain((members) =>
      fc.record({
        members: fc.constant(members),
        degree: fc
          .integer({ min: 2, max: members - 1 })
          .map((degree) => ((degree * members) % 2 === 0 ? degree : degree - 1))
          .filter((degree) => degree >= 2),
        seed: seeds,
      }),
    );
    fc.assert(
      fc.property(sizes, ({ members, degree, seed }) => {
        const graph = neighbourGraph(members, degree, seed);
        expect(graph.length).toBe(members);
        graph.forEach((neighbours, member) => {
          expect(new Set(neighbours).size).toBe(degree);
          expect([...neighbours].sort((a, b) => a - b)).toEqual(neighbours);
          expect(neighbours).not.toContain(member);
          for (const other of neighbours) expect(graph[other]).toContain(member);
        });
        expect(isConnected(graph, [...graph.keys()])).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  it('is complete up to 32 members', () => {
    for (const members of [3, 10, 32]) {
      const graph = neighbourGraph(members, degreeFor(members, 3), seedOf('a'));
      expect(graph.every((neighbours) => neighbours.length === members - 1)).toBe(true);
    }
  });

  it('depends on the seed and on nothing else', () => {
    expect(neighbourGraph(64, 32, seedOf('a'))).toEqual(neighbourGraph(64, 32, seedOf('a')));
    expect(neighbourGraph(64, 32, seedOf('a'))).not.toEqual(neighbourGraph(64, 32, seedOf('b')));
  });

  it('mixes: every pair is joined about as often as any other', () => {
    const [members, degree, draws] = [40, 8, 150];
    const joined = new Map<number, number>();
    for (let i = 0; i < draws; i++) {
      neighbourGraph(members, degree, seedOf(String(i))).forEach((neighbours, a) => {
        for (const b of neighbours) if (a < b) joined.set(a * members + b, (joined.get(a * members + b) ?? 0) + 1);
      });
    }
    const expected = (draws * degree) / (members - 1);
    const pairs = (members * (members - 1)) / 2;
    let chiSquared = 0;
    for (let a = 0; a < members; a++) {
      for (let b = a + 1; b < members; b++)
        chiSquared += ((joined.get(a * members + b) ?? 0) - expected) ** 2 / expected;
    }
    // Each count is close to binomial with chance p = degree/(members − 1); six standard deviations.
    const mean = pairs * (1 - degree / (members - 1));
    expect(Math.abs(chiSquared - mean)).toBeLessThan(6 * Math.sqrt(2 * mean));
  });
});

describe('degreeFor', () => {
  it('leaves next to nobody out when a third drops', () => {
    for (const [members, minimumCohort] of [
      [33, 3],
      [64, 10],
      [64, 20],
      [200, 10],
      [512, 11],
      [512, 60],
    ] as const) {
      const degree = degreeFor(members, minimumCohort);
      expect((degree * members) % 2).toBe(0);
      const chance = leftOutChance(members, Math.floor(members / 3), degree, minimumCohort - 1);
      expect(chance).toBeLessThan(0.001);
      expect(chance).toBeLessThanOrEqual(Math.exp((-2 * degree) / 9));
    }
  });

  it('finds neighbours for everybody in a cohort of any size', () => {
    for (let members = 3; members <= 512; members++) {
      for (const minimumCohort of [3, 12, 100, members]) {
        const degree = degreeFor(members, Math.min(minimumCohort, members));
        expect(degree).toBeLessThanOrEqual(members - 1);
        expect((degree * members) % 2).toBe(0);
        expect(degree).toBeGreaterThanOrEqual(Math.min(minimumCohort, members) - 1);
      }
    }
  });
});

describe('drawCommittee', () => {
  it('is everybody in a small cohort and 32 in a large one', () => {
    expect(drawCommittee(5, seedOf('a'))).toEqual([0, 1, 2, 3, 4]);
    const large = drawCommittee(100, seedOf('a'));
    expect(new Set(large).size).toBe(32);
    expect([...large].sort((a, b) => a - b)).toEqual(large);
    expect(drawCommittee(100, seedOf('b'))).not.toEqual(large);
  });

  it('draws everybody about as often', () => {
    const counts = new Array<number>(64).fill(0);
    const draws = 600;
    for (let i = 0; i < draws; i++) for (const member of drawCommittee(64, seedOf(String(i)))) counts[member]! += 1;
    const chiSquared = counts.reduce((sum, count) => sum + (count - draws / 2) ** 2 / (draws / 2), 0);
    // Half of what independent draws would give, since half of the cohort is drawn each time; six standard deviations.
    expect(Math.abs(chiSquared - 32)).toBeLessThan(6 * Math.sqrt(32));
  });
});

/** P[a given member keeps fewer than `needed` of its neighbours], hypergeometric, when `dropped` others drop at random. */
function leftOutChance(members: number, dropped: number, degree: number, needed: number): number {
  let chance = 0;
  for (let kept = 0; kept < needed; kept++) {
    const lost = degree - kept;
    chance += Math.exp(
      logChoose(dropped, lost) + logChoose(members - 1 - dropped, kept) - logChoose(members - 1, degree),
    );
  }
  return chance;
}

function logChoose(n: number, k: number): number {
  if (k < 0 || k > n) return Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = 1; i <= k; i++) sum += Math.log(n - k + i) - Math.log(i);
  return sum;
}
