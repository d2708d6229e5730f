import type { CompletionCase } from '../corpora/corpus.ts';
import type { Line } from './steps.ts';
import type { Tokenizer } from './windows.ts';

/** Tokens before a target that the model is given. */
const givenTokens = 128;

export interface PredictedText {
  readonly lines: readonly Line[];
  /** UTF-8 bytes of what is predicted. */
  readonly bytes: number;
}

/** The rest of each case's line, to be predicted from its first token on that the cursor is in or before, as where a prompt is healed. */
export function targetsOf(cases: readonly CompletionCase[], { tokenize, detokenize }: Tokenizer): PredictedText {
  let bytes = 0;
  const lines = cases.map(({ prefix, target }) => {
    const [before, whole] = [tokenize(prefix), tokenize(prefix + target)];
    let first = 0;
    while (first < whole.length - 1 && whole[first] === before[first]) first++;
    bytes += Buffer.byteLength(detokenize(whole.slice(first)));
    const tokens = whole.slice(Math.max(0, first - givenTokens));
    const given = tokens.length - (whole.length - first);
    return { tokens, labels: [[given, tokens.length, 1]] };
  });
  return { lines, bytes };
}
