import type { AskModel } from './whenToAsk.ts';

/** Fitted by `npm run bench -- retrieval --fit` on packages that no figure is stated for; order as in `featureNames`. */
export const shippedAskModel: AskModel = {
  weights: [0, 0.539, 0.407, 0.193, 0.646, 0, 0.059, 0.341, 0.192, 0.696, 1.069, 0, 0.815],
  threshold: 0.935,
  pauseThreshold: 0.89,
};
