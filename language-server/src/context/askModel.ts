import type { AskModel } from './whenToAsk.ts';

/** Fitted by `npm run bench -- retrieval --fit` on packages that no figure is stated for; order as in `featureNames`. */
export const shippedAskModel: AskModel = {
  weights: [0, 0, 0, 0, 1.5, 1.5, 3, 0, 0, 0.5, 0, 3, -1.5],
  threshold: 0.5,
};
