import { expect, it } from 'vitest';
import { compareForecast, expectedMeanNorm, type ForecastTerms, forecastRound } from './forecast.ts';

const terms: ForecastTerms = {
  mechanism: 'client',
  members: 5,
  epsilon: 8,
  parameters: 1_244_160,
  valueParameters: 46_080,
};

it('weighs the gain against what the noise costs, and takes part where something is left', () => {
  const forecast = forecastRound(
    {
      base: [2, 2.2],
      clean: [1.9, 2.1],
      noisy: [
        [1.92, 2.12],
        [1.94, 2.14],
      ],
    },
    terms,
  );
  expect(forecast.gainPercent).toBeCloseTo(100 * (0.1 / 2.1));
  expect(forecast.costPercent).toBeCloseTo(100 * (0.03 / 2.1));
  expect(forecast.netPercent).toBeCloseTo(100 * (0.07 / 2.1));
  expect(forecast).toMatchObject({ takesPart: true, help: [] });
  expect(compareForecast(forecast.netPercent, [2, 2], [1.9, 1.9])).toContain('−5.00 %, as forecast of −3.33 %');
});

it('refuses what would harm, and says what would help by how much', () => {
  // The noise costs four times the gain: half of it would be just as much.
  const forecast = forecastRound({ base: [2], clean: [1.9], noisy: [[2.3]] }, terms);
  expect(forecast.takesPart).toBe(false);
  expect(forecast.sentence).toContain('refused');
  expect(forecast.help).toEqual([
    'at least 11 members instead of 5',
    'the value matrices alone',
    'an epsilon of 17 instead of 8',
    'privacy of records instead of members',
  ]);
});

it('says where the examples are too few to tell', () => {
  const clear = forecastRound(
    { base: [2, 2, 2, 2], clean: [1.9, 1.8, 1.9, 1.8], noisy: [[1.9, 1.8, 1.9, 1.8]] },
    terms,
  );
  expect(clear).toMatchObject({ takesPart: true, isClear: true });
  expect(clear.sentence).not.toContain('so few');
  const unclear = forecastRound(
    { base: [2, 2, 2, 2], clean: [1.9, 1.8, 1.9, 1.8], noisy: [[1.7, 2.2, 1.8, 2.2]] },
    terms,
  );
  expect(unclear).toMatchObject({ takesPart: true, isClear: false });
  expect(unclear.sentence).toContain('so few examples');
});

it.each([
  ['no gain', [2.1], [[2.1]]],
  ['a loss that is no number', [1.9], [[Number.NaN]]],
  ['no draw at all', [1.9], []],
] as const)('refuses %s', (_, clean, noisy) => {
  expect(forecastRound({ base: [2], clean, noisy }, terms).takesPart).toBe(false);
});

it('expects the mean of many to be shorter than one, and after the first round far shorter', () => {
  expect(expectedMeanNorm(1, 'first', 'whole')).toBe(1);
  expect(expectedMeanNorm(1, 'later', 'reduced')).toBe(1);
  expect(expectedMeanNorm(20, 'first', 'whole')).toBeCloseTo(Math.sqrt(0.43));
  expect(expectedMeanNorm(20, 'later', 'whole')).toBeCloseTo(Math.sqrt(0.1925));
  expect(expectedMeanNorm(20, 'first', 'reduced')).toBeCloseTo(Math.sqrt(0.62));
});
