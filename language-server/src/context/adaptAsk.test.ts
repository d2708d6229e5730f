import { expect, test } from 'vitest';
import { adaptAsk } from './adaptAsk.ts';
import { featureNames } from './askFeatures.ts';
import { shippedAskModel } from './askModel.ts';
import { probability } from './whenToAsk.ts';

const features = featureNames.map((_, i) => (i % 2 === 0 ? 0.5 : 0));
const after = (times: number, outcome: { asked: boolean; helped: boolean }) => {
  let model = shippedAskModel;
  for (let i = 0; i < times; i++) model = adaptAsk(model, shippedAskModel, { features, ...outcome });
  return probability(model, features);
};
const shipped = probability(shippedAskModel, features);

test('where chunks never help, they are asked for less and less', () => {
  expect(after(200, { asked: true, helped: false })).toBeLessThan(shippedAskModel.pauseThreshold);
});

test('where they help, more', () => {
  expect(after(50, { asked: true, helped: true })).toBeGreaterThan(shipped);
  expect(after(50, { asked: false, helped: true })).toBeGreaterThan(shipped);
});

test('not to have asked teaches nothing by itself', () => {
  expect(after(50, { asked: false, helped: false })).toBe(shipped);
});
