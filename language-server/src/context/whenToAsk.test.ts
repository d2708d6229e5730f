import { describe, expect, it } from 'vitest';
import { askFeatures, featureNames } from './askFeatures.ts';
import { shippedAskModel } from './askModel.ts';
import { type AskSample, fitWeights, probability, thresholdFor } from './whenToAsk.ts';

const helper = {
  path: 'lib/a.js',
  start: 0,
  end: 3,
  score: 8,
  text: 'function readHeader(stream, size) {\n  return stream.read(size);\n}',
};
const shownWith = (before: string) => ({ path: 'b.js', before, startLine: 0, cursorLine: 3 });
const feature = (name: (typeof featureNames)[number], before: string, chosen = [helper]) =>
  askFeatures({ shown: shownWith(before), chosen })[featureNames.indexOf(name)];

describe('features', () => {
  it('see a name near the cursor that a chunk defines and the document does not', () => {
    expect(feature('definesMentioned', 'const a = 1;\nconst header = readHeader(')).toBe(0.5);
    expect(feature('definesMentioned', 'function readHeader() {}\nconst header = readHeader(')).toBe(0);
  });

  it('see that the line above stands in a chunk', () => {
    expect(feature('sameLineAbove', 'if (x) {\n  return stream.read(size);\n')).toBe(1);
    expect(feature('sameLineAbove', 'if (x) {\n  return other;\n')).toBe(0);
  });

  it('see that a chunk has what the word being typed begins', () => {
    expect(feature('completesWord', 'const header = readHe')).toBe(1);
    expect(feature('completesWord', 'const header = re')).toBe(0);
    expect(feature('completesWord', 'readHead();\nconst header = readHe')).toBe(0);
  });

  it('are as many as their names, and finite with nothing chosen', () => {
    const features = askFeatures({ shown: shownWith(''), chosen: [] });
    expect(features).toHaveLength(featureNames.length);
    expect(features.every(Number.isFinite)).toBe(true);
    expect(shippedAskModel.weights).toHaveLength(featureNames.length + 1);
  });
});

describe('the regression', () => {
  const samples: AskSample[] = Array.from({ length: 200 }, (_, i) => {
    const features: number[] = new Array(featureNames.length).fill(0).map((_, f) => ((i * (f + 3)) % 7) / 7);
    return { features, gain: (features[4] ?? 0) > 0.5 ? 3 : -1 };
  });

  it('finds what tells gains from losses', () => {
    const weights = fitWeights(samples);
    const right = samples.filter(({ features, gain }) => probability({ weights }, features) > 0.5 === gain > 0);
    expect(right.length / samples.length).toBeGreaterThan(0.9);
  });

  it('asks in the share of cases that it is given', () => {
    const weights = fitWeights(samples);
    const threshold = thresholdFor(weights, samples, 0.3);
    const asked = samples.filter(({ features }) => probability({ weights }, features) > threshold).length;
    expect(asked / samples.length).toBeLessThanOrEqual(0.3);
  });
});
