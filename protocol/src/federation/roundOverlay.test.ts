import { describe, expect, it } from 'vitest';
import { privacySpentRdp } from '../privacy/accountant.ts';
import { releaseSchema } from '../privacy/mechanism.ts';
import { type RoundSettings, roundSettingsSchema } from './messages.ts';
import { planPrivacy, sensitivities } from './planPrivacy.ts';
import { parseRoundFile } from './roundFile.ts';
import { type RoundTeam, settingsOf } from './roundOverlay.ts';
import { defaultRoundSettings, settingsFromFile } from './roundSettings.ts';
import { fittingBits, noiseVariance } from './sumBound.ts';

const team: RoundTeam = {
  base: 'ab'.repeat(32),
  adapter: { rank: 8, alpha: 16, targets: ['q', 'v'], matrices: 'b', seed: 1 },
  length: 1_250_000,
  members: 20,
  context: 2048,
  minimums: { minimumCohort: 3, privacyMechanisms: ['none', 'record', 'client'] },
};

function outcomeOf(file: unknown, changes: Partial<RoundTeam> = {}) {
  const parsed = parseRoundFile(JSON.stringify(file));
  if (!parsed.ok) throw new Error(parsed.complaint);
  return settingsOf(parsed.file, { ...team, ...changes });
}

function settings(file: unknown, changes: Partial<RoundTeam> = {}): RoundSettings {
  const outcome = outcomeOf(file, changes);
  if (!outcome.ok) throw new Error(outcome.complaint);
  return roundSettingsSchema.parse(outcome.settings);
}

/** As a member judges the plan. */
function epsilonOf(given: RoundSettings): number {
  const cost = planPrivacy(given);
  return cost === undefined
    ? Number.POSITIVE_INFINITY
    : privacySpentRdp([releaseSchema.parse(cost.release)], cost.delta);
}

const client = { mechanism: 'client', epsilon: 8 };
const record = { mechanism: 'record', epsilon: 8 };

describe('a round without privacy', () => {
  it('has the defaults where the file says nothing', () => {
    expect(settings({})).toEqual(settingsFromFile(defaultRoundSettings(team)));
  });

  it('has range and clip norm by its steps and rate, unless they are given', () => {
    const faster = settings({ training: { steps: 100, learningRate: 2e-3 } });
    expect(faster.quantiser.segments).toEqual([{ length: team.length, range: 0.2 }]);
    expect(faster.clipNorm).toBeCloseTo(0.2 * Math.sqrt(team.length), 6);
    const given = settings({ clipNorm: 5, quantiser: { range: 0.1 } });
    expect([given.clipNorm, given.quantiser]).toEqual([
      5,
      { bits: 8, laneBits: 10, segments: [{ length: team.length, range: 0.1 }] },
    ]);
  });

  it('learns at the rate of its matrices', () => {
    expect(settings({}).training).toMatchObject({ steps: 24, learningRate: 4e-3 });
    const both = { ...team.adapter, matrices: 'both' } as const;
    expect(settings({}, { adapter: both }).training).toMatchObject({ steps: 24, learningRate: 2e-3 });
  });

  it('asks for as many members as the enrolment', () => {
    const minimums = { ...team.minimums, minimumCohort: 7 };
    expect(settings({}, { minimums }).minimumCohort).toBe(7);
  });
});

describe('a client-level round', () => {
  it.each([
    [3, 8],
    [20, 8],
    [20, 0.5],
    [200, 2],
  ])('of a team of %i costs epsilon %d, and hardly less', (members, epsilon) => {
    const given = settings({ privacy: { ...client, epsilon, delta: 1e-6 } }, { members });
    expect(given.privacy).toMatchObject({ mechanism: 'client', delta: 1e-6 });
    expect(epsilonOf(given)).toBeLessThanOrEqual(epsilon);
    expect(epsilonOf(given)).toBeGreaterThan(0.999 * epsilon);
  });

  it('has less noise of each member the more there are, two thirds of them for sure', () => {
    const [few, many] = [settings({ privacy: client }, { members: 6 }), settings({ privacy: client }, { members: 60 })];
    expect([few.minimumCohort, many.minimumCohort]).toEqual([4, 40]);
    // Three and 27 of them are taken to be honest.
    expect(noiseVariance(few.privacy) / noiseVariance(many.privacy)).toBeCloseTo(27 / 3, 3);
  });

  it('is of noise for the minimum cohort that is given', () => {
    const given = settings({ privacy: client, minimumCohort: 20 });
    expect(given.minimumCohort).toBe(20);
    expect(epsilonOf(given)).toBeGreaterThan(7.99);
    expect(epsilonOf({ ...given, minimumCohort: 10 })).toBeGreaterThan(9);
  });

  it('weighs members alike, loses next to nothing by rounding, and keeps its bits however many take part', () => {
    const { maxWeight, clipNorm, quantiser, privacy } = settings({ privacy: client });
    expect([maxWeight, clipNorm, quantiser.bits]).toEqual([1, 1, 10]);
    const { range } = quantiser.segments[0] ?? { range: 0 };
    const clipInLevels = clipNorm / (range / 511);
    expect(sensitivities({ clipNorm, quantiser }).l2Sensitivity / clipInLevels).toBeLessThan(1.04);
    expect(fittingBits(quantiser, 512, noiseVariance(privacy))).toBe(10);
  });

  it('keeps epsilon with a step, a range and bits of its own', () => {
    const given = settings({ privacy: client, clipNorm: 0.25, quantiser: { range: 0.05, bits: 8, laneBits: 24 } });
    expect(given.quantiser).toEqual({ bits: 8, laneBits: 24, segments: [{ length: team.length, range: 0.05 }] });
    expect(epsilonOf(given)).toBeGreaterThan(7.99);
    expect(epsilonOf(given)).toBeLessThanOrEqual(8);
  });
});

describe('a client-level round by a basis', () => {
  const basis = { start: new Uint8Array(32).fill(9), length: 3840 };
  const of = (file: unknown) => settings(file, { basis });

  it('is of as many numbers as coefficients, with the noise of its epsilon, far less to each update', () => {
    const given = of({ privacy: client });
    const whole = settings({ privacy: client });
    expect(given.basis).toEqual(basis.start);
    expect(given.quantiser.segments.map(({ length }) => length)).toEqual([3840]);
    expect(epsilonOf(given)).toBeLessThanOrEqual(8);
    expect(epsilonOf(given)).toBeGreaterThan(7.99);
    // The norm of a member's noise beside the same clip norm: as the root of the numbers.
    const noise = ({ privacy, quantiser }: RoundSettings) => {
      const [{ length, range } = { length: 0, range: 0 }] = quantiser.segments;
      return Math.sqrt(noiseVariance(privacy) * length) * (range / 511);
    };
    expect(given.clipNorm).toBe(whole.clipNorm);
    expect(noise(whole) / noise(given)).toBeCloseTo(Math.sqrt(team.length / 3840), 0);
    const clipInLevels = given.clipNorm / ((given.quantiser.segments[0]?.range ?? 0) / 511);
    expect(sensitivities(given).l2Sensitivity / clipInLevels).toBeLessThan(1.04);
  });

  it('is one unless the file says no, and there is none without privacy', () => {
    expect(of({ privacy: { ...client, basis: false } })).toEqual(settings({ privacy: client }));
    expect(of({})).toEqual(settings({}));
    expect(settings({ privacy: client }).basis).toBeNull();
  });
});

describe('a record-level round', () => {
  it.each([
    [{}, 1],
    [{ training: { steps: 24 } }, 1 / 24],
    [{ training: { steps: 100 }, privacy: { ...record, sampleRate: 0.1, clip: 0.5 } }, 0.1],
  ])('%j has the noise of its epsilon', (file, sampleRate) => {
    const given = settings({ privacy: record, ...file });
    expect(given.privacy).toMatchObject({ mechanism: 'record', sampleRate, delta: 1e-5 });
    expect(given.maxWeight).toBe(1);
    // By the fast bound, which is what members hold against their policy: the tight one would have them refuse.
    expect(epsilonOf(given)).toBeLessThanOrEqual(8);
    expect(epsilonOf(given)).toBeGreaterThan(7.99);
  });

  it('has room for the noise of members with 25 records, whatever epsilon and clip are', () => {
    for (const [epsilon, clip] of [
      [8, 1e-3],
      [1, 1e-3],
      [8, 0.5],
    ]) {
      const { privacy, quantiser, training, clipNorm } = settings({ privacy: { ...record, epsilon, clip } });
      if (privacy.mechanism !== 'record') throw new Error(privacy.mechanism);
      // A step goes so many clip norms along the mean: of its noise a coordinate has this deviation.
      const deviation = (training.learningRate * privacy.noiseMultiplier) / 25;
      const [{ range } = { range: 0 }] = quantiser.segments;
      expect(range / deviation).toBeCloseTo(4, 6);
      expect(clipNorm).toBeCloseTo(range * Math.sqrt(team.length), 3);
    }
  });

  it('is by the basis too, with the same noise in far fewer numbers', () => {
    const basis = { start: new Uint8Array(32).fill(9), length: 3840 };
    const [whole, given] = [settings({ privacy: record }), settings({ privacy: record }, { basis })];
    expect([given.basis, given.privacy]).toEqual([basis.start, whole.privacy]);
    expect(given.quantiser.segments).toEqual([{ length: 3840, range: whole.quantiser.segments[0]?.range }]);
    expect(settings({ privacy: { ...record, basis: false } }, { basis })).toEqual(whole);
  });
});

it.each<[unknown, Partial<RoundTeam>, RegExp]>([
  [{ minimumCohort: 4 }, { minimums: { ...team.minimums, minimumCohort: 5 } }, /^“minimumCohort” must be at least 5/],
  [{}, { minimums: { ...team.minimums, privacyMechanisms: ['client'] } }, /^“privacy.mechanism” must .*: client\.$/],
  [{ privacy: client, maxWeight: 1000 }, {}, /^“maxWeight” must be 1/],
  [{ privacy: record, maxWeight: 2 }, {}, /^“maxWeight” must be 1/],
  [{ training: { sequence: 4096 } }, {}, /^“training.sequence” must be at most 2048/],
  [{ privacy: client, quantiser: { laneBits: 10 } }, {}, /^“quantiser.laneBits” must be at least 16/],
  [{ privacy: { ...client, epsilon: 1e-9 } }, {}, /^“privacy.epsilon” must be larger/],
  [{ privacy: { ...record, epsilon: 1e-9 } }, {}, /^“privacy.epsilon” must be larger/],
  [{ privacy: client, clipNorm: 1e6, quantiser: { range: 1e-3 } }, {}, /^“privacy.epsilon” must be larger: no sum/],
])('what members would refuse, %j, begins no round', (file, changes, sentence) => {
  expect(outcomeOf(file, changes)).toEqual({ ok: false, complaint: expect.stringMatching(sentence) });
});
