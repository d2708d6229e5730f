import { featureNames } from './askFeatures.ts';
import { type AskModel, probability } from './whenToAsk.ts';

/** What became of a suggestion whose prompt had chunks, or could have had them. */
export interface AskOutcome {
  readonly features: readonly number[];
  readonly asked: boolean;
  /** Whether what the developer took holds a name that only the chunks had. */
  readonly helped: boolean;
}

/** A hundred outcomes of one kind move a weight by about as much as it has. */
const rate = 0.03;
/** So that a strange day is forgotten: each outcome draws the weights back to the shipped ones by this share. */
const pull = 0.002;

/**
 * One step of the logistic regression from one outcome. A suggestion made without chunks that shows none of their names says
 * nothing, since the model could not know them: else asking less would teach to ask less.
 */
export function adaptAsk(model: AskModel, shipped: AskModel, { features, asked, helped }: AskOutcome): AskModel {
  if (!asked && !helped) return model;
  const error = probability(model, features) - (helped ? 1 : 0);
  const weights = model.weights.map((weight, i) => {
    const next = weight - rate * error * (features[i] ?? 1) + pull * ((shipped.weights[i] ?? 0) - weight);
    return i < featureNames.length ? Math.max(0, next) : next;
  });
  return { ...model, weights };
}
