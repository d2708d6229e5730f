import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { privacySpentRdp } from '../privacy/accountant.ts';
import type { Plan } from './messages.ts';
import { honestMembers, planPrivacy, quantiseForPlan, sensitivities } from './planPrivacy.ts';
import { meanOf } from './quantiser.ts';
import { signedLane, zeroVector } from './ring.ts';
import { quantiserOf } from './round.ts';
import { simulatedPlan, simulatedRound, simulatedTeam } from './simulatedTeam.ts';

const team = simulatedTeam(6);
const length = 3000;
const client: Partial<Plan> = {
  maxWeight: 1,
  minimumCohort: 6,
  clipNorm: 0.5,
  quantiser: { bits: 10, segments: [{ length, range: 0.1 }] },
  privacy: { mechanism: 'client', memberVariance: 4000, delta: 1e-5 },
};
const plan = simulatedPlan(team, length, client);
const round = simulatedRound(team, plan);

function quantised(update: Float32Array, given = round) {
  const result = quantiseForPlan(given, update, 1);
  if (!result.ok) throw new Error(result.refusal);
  return result.value.vector;
}

describe('a client-level round', () => {
  it('sums to the updates’ mean plus noise of all members', () => {
    const update = Float32Array.from({ length }, (_, i) => (i % 2 === 0 ? 0.005 : -0.005));
    const sum = zeroVector(length, round.modulusBits);
    for (let member = 0; member < 6; member++) {
      const vector = quantised(update);
      sum.weight += vector.weight;
      for (let i = 0; i < length; i++) sum.lanes[i] = (sum.lanes[i] ?? 0) + (vector.lanes[i] ?? 0);
    }
    const mean = meanOf(sum, quantiserOf(round));
    const step = 0.1 / 511;
    const errors = Array.from(mean, (value, i) => (value - (update[i] ?? 0)) / step);
    const variance = errors.reduce((squares, error) => squares + error * error, 0) / length;
    // Six members' noise over six: 4000 / 6, and little from rounding. Six standard deviations.
    expect(Math.abs(variance / (4000 / 6) - 1)).toBeLessThan(6 * Math.sqrt(2 / length) + 0.01);
  });

  it('sends nothing without noise, whatever the update', () => {
    const vector = quantised(new Float32Array(length));
    let squares = 0;
    for (let i = 0; i < length; i++) squares += signedLane(vector, i) ** 2;
    expect(Math.abs(squares / length / 4000 - 1)).toBeLessThan(6 * Math.sqrt(2 / length));
  });

  it('is no longer before its noise than the accountant assumes, for any update', () => {
    const silent = simulatedRound(
      team,
      simulatedPlan(team, 50, {
        ...client,
        quantiser: {
          bits: 4,
          segments: [
            { length: 20, range: 0.1 },
            { length: 30, range: 1 },
          ],
        },
        // As good as none: what is seen are the levels.
        privacy: { mechanism: 'client', memberVariance: 1e-9, delta: 1e-5 },
      }),
    );
    const { l1Sensitivity, l2Sensitivity } = sensitivities(silent.plan);
    const any = fc.array(fc.float({ min: -3, max: 3, noNaN: true }), { minLength: 50, maxLength: 50 });
    fc.assert(
      fc.property(any, (update) => {
        const vector = quantised(Float32Array.from(update), silent);
        const levels = Array.from({ length: 50 }, (_, i) => signedLane(vector, i));
        expect(Math.hypot(...levels)).toBeLessThanOrEqual(l2Sensitivity);
        expect(levels.reduce((sum, level) => sum + Math.abs(level), 0)).toBeLessThanOrEqual(l1Sensitivity + 1e-9);
      }),
    );
  });

  it('is accounted with the noise that is sure to be in the sum', () => {
    const privacy = planPrivacy(plan);
    expect(privacy).toMatchObject({ unit: 'member', release: { steps: 1, mechanism: { variance: 4000 * 4 } } });
    expect([3, 5, 6, 20].map(honestMembers)).toEqual([2, 4, 4, 14]);
    const epsilon = (memberVariance: number, clipNorm = 0.5): number => {
      const other = planPrivacy({ ...plan, clipNorm, privacy: { mechanism: 'client', memberVariance, delta: 1e-5 } });
      return other === undefined ? Number.POSITIVE_INFINITY : privacySpentRdp([other.release], 1e-5);
    };
    expect(epsilon(8e6)).toBeLessThan(epsilon(4e6));
    expect(epsilon(4e6, 0.4)).toBeLessThan(epsilon(4e6));
    // By the Gaussian of the same noise in levels, whose epsilon a Skellam's of many levels comes close to.
    const sigma = Math.sqrt(4e6 * 4) / sensitivities(plan).l2Sensitivity;
    const gaussian = { mechanism: { kind: 'gaussian', noiseMultiplier: sigma, samplingRate: 1 }, steps: 1 } as const;
    expect(epsilon(4e6) / privacySpentRdp([gaussian], 1e-5)).toBeGreaterThan(1);
    expect(epsilon(4e6) / privacySpentRdp([gaussian], 1e-5)).toBeLessThan(1.05);
  });
});

it('other rounds: record-level is DP-SGD’s, and none has no price', () => {
  expect(planPrivacy({ ...plan, privacy: { mechanism: 'none' } })).toBeUndefined();
  const record = { mechanism: 'record', clip: 1, noiseMultiplier: 2, sampleRate: 0.1, delta: 1e-5 } as const;
  expect(planPrivacy({ ...plan, privacy: record })).toEqual({
    unit: 'record',
    delta: 1e-5,
    release: { mechanism: { kind: 'gaussian', noiseMultiplier: 2, samplingRate: 0.1 }, steps: 10 },
  });
});
