import { describe, expect, it } from 'vitest';
import { bestTrial, type GateInput, judge } from './gate.ts';
import { pairedBootstrap } from './pairedBootstrap.ts';
import { seededRandom } from './seededRandom.ts';

const probe = { base: 100, candidate: 101, tokens: 50 };

/** Losses of `count` examples that a candidate lowers by `share`, with noise in each. */
function input(count: number, share: number, noise: number, trials = 1): GateInput {
  const random = seededRandom(count);
  const current = Array.from({ length: count }, () => 20 + 20 * random());
  const losses = current.map((loss) => loss * (1 - share + noise * (random() - 0.5)));
  const trial = { scales: { team: 0, personal: 1 }, losses };
  return {
    heldOutTokens: 1000,
    base: current,
    current,
    without: current,
    trials: Array.from({ length: trials }, () => trial),
  };
}
const verdictOf = (given: GateInput, probed = probe) =>
  judge(given, bestTrial(given.trials) ?? { scales: { team: 0, personal: 0 }, losses: [] }, probed, 1).verdict;

describe('the gate', () => {
  it('passes what is better in most examples', () => {
    const report = judge(input(20, 0.05, 0.05), input(20, 0.05, 0.05).trials[0]!, probe, 7);
    expect(report).toMatchObject({ verdict: 'better', decidedAtMs: 7, heldOutExamples: 20, scales: { personal: 1 } });
    expect(report.gainLow).toBeLessThan(report.gain);
    expect(report.forgetting).toBeCloseTo(0.01, 12);
  });

  it('refuses what is no better, worse, or better by chance', () => {
    expect(verdictOf(input(20, 0, 0))).toBe('notBetter');
    expect(verdictOf(input(20, -0.05, 0.05))).toBe('notBetter');
    expect(verdictOf(input(20, 0.01, 0.5))).toBe('notBetter');
  });

  it('refuses what forgets generic code, and what too few examples speak for', () => {
    expect(verdictOf(input(20, 0.05, 0.05), { ...probe, candidate: 102.1 })).toBe('forgets');
    expect(verdictOf(input(20, 0.05, 0.05), { ...probe, candidate: 101.9 })).toBe('better');
    expect(verdictOf(input(3, 0.2, 0))).toBe('tooFew');
  });

  it('asks a candidate to beat nothing too, where what is in use has come to hurt', () => {
    const given = input(20, 0.05, 0.05);
    const worse = given.current.map((loss) => loss * 1.2);
    expect(verdictOf({ ...given, current: worse })).toBe('better');
    const same = { ...given, current: worse, trials: [{ ...given.trials[0]!, losses: given.current }] };
    expect(verdictOf({ ...same, without: worse })).toBe('better');
    expect(verdictOf(same)).toBe('notBetter');
  });

  it('promotes by chance in at most one case of twenty', () => {
    let promoted = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed);
      const current = Array.from({ length: 30 }, () => 20 + 20 * random());
      const trial = { scales: { team: 0, personal: 1 }, losses: current.map((loss) => loss + 4 * (random() - 0.5)) };
      if (verdictOf({ heldOutTokens: 1, base: current, current, without: current, trials: [trial] }) === 'better')
        promoted++;
    }
    expect(promoted).toBeLessThanOrEqual(10);
  });

  it('asks more of a candidate that was tried at more scales', () => {
    const low = (trials: number) =>
      judge(input(12, 0.02, 0.1, trials), input(12, 0.02, 0.1).trials[0]!, probe, 1).gainLow;
    expect(low(6)).toBeLessThan(low(1));
  });
});

describe('the paired bootstrap', () => {
  it('agrees with the normal interval of a mean on many pairs', () => {
    const random = seededRandom(5);
    const pairs = Array.from({ length: 400 }, () => ({ before: 1, after: 0.9 + 0.4 * (random() - 0.5) }));
    const { gain, low, high, pValue } = pairedBootstrap(pairs);
    const deviation = Math.sqrt(pairs.reduce((sum, { after }) => sum + (1 - after - gain) ** 2, 0) / 399 / 400);
    expect(low).toBeCloseTo(gain - 1.96 * deviation, 2);
    expect(high).toBeCloseTo(gain + 1.96 * deviation, 2);
    expect(pValue).toBeLessThan(0.001);
  });

  it('finds nothing in nothing', () => {
    expect(pairedBootstrap([])).toEqual({ gain: 0, low: 0, high: 0, pValue: 1 });
  });
});
