import { probeTexts } from '../../language-server/src/learning/probeTexts.ts';

import { cutWindows, type Tokenizer, type Window } from './windows.ts';

/** The generic code on which the product's gate measures forgetting too. */
export function probeWindows(tokenizer: Tokenizer): Window[] {
  return cutWindows(probeTexts, 1024, tokenizer);
}
