import type { AdapterUse } from '../../language-server/src/engine/adapters.ts';
import type { AuthorCorpus } from '../corpora/corpus.ts';
import { sum } from '../lib/measure.ts';
import type { Recipe, Steps } from './steps.ts';
import { chooseWindows, cutWindows, type Tokenizer, type Window } from './windows.ts';

/** Evaluated with as much before the cursor as a completion has. */
const evaluationTokens = 1024;
const trainingWindow = 256;
const candidateScales = [0.5, 0.75, 1];

/** Chosen on the valid splits of mafintosh and ljharb: two epochs of little data, one of more. */
export function recipe(tokens: number): Recipe {
  return {
    ...{ rank: 8, alpha: 16, learningRate: 1e-3, epochs: tokens < 10_000 ? 2 : 1 },
    ...{ schedule: 'cosine', warmupSteps: 4, packsPerStep: 1, sequence: trainingWindow },
  };
}

export function trainingWindows({ train }: AuthorCorpus, tokens: number, tokenizer: Tokenizer): Window[] {
  return chooseWindows(cutWindows(textsOf(train), trainingWindow, tokenizer), tokens, 1);
}

export function testWindows({ test }: AuthorCorpus, tokens: number, tokenizer: Tokenizer): Window[] {
  return chooseWindows(cutWindows(textsOf(test), evaluationTokens, tokenizer), tokens, 3);
}

/** The adapter's file, trained on so many tokens of the author's older packages. */
export function trainOn(steps: Steps, corpus: AuthorCorpus, tokens: number, tokenizer: Tokenizer): Promise<string> {
  const windows = trainingWindows(corpus, tokens, tokenizer);
  return steps.train(`${corpus.author}, ${tokens} tokens`, linesOf(windows), recipe(tokens));
}

/** The scale at which an adapter is best on the author's valid split; 0 where the base model is. */
export async function chooseScale(
  steps: Steps,
  { author, valid }: AuthorCorpus,
  tokens: number,
  path: string,
  tokenizer: Tokenizer,
): Promise<number> {
  const windows = chooseWindows(cutWindows(textsOf(valid), evaluationTokens, tokenizer), tokens, 2);
  const stacks: (readonly AdapterUse[])[] = [[], ...candidateScales.map((scale) => [{ path, scale }])];
  const onValid = (await steps.evaluate(`${author}, valid`, linesOf(windows), stacks)).map((losses) => sum(losses));
  const best = onValid.indexOf(Math.min(...onValid));
  return best === 0 ? 0 : (candidateScales[best - 1] ?? 0);
}

export const linesOf = (windows: readonly Window[]) => windows.map(({ tokens }) => ({ tokens }));

const textsOf = (files: AuthorCorpus['test']) => files.map(({ text }) => text);
