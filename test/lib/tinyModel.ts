import { readGguf } from '../../language-server/src/engine/gguf.ts';
import type { AdapterBase } from '../../language-server/src/learning/adapterVersions.ts';
import type { Tokenizer } from '../../language-server/src/learning/dataset.ts';
import { trainingOptionsSchema } from '../../language-server/src/learning/trainingPlan.ts';

/** One token a character, folded into the tiny model's vocabulary; nothing asks for the way back but lengths. */
export const foldedLetters: Tokenizer = {
  tokenize: (text) => Array.from(text, (letter) => (letter.codePointAt(0) ?? 0) % 101),
  detokenize: (tokens) => 'x'.repeat(tokens.length),
};

/** A model of random weights, on which a run takes a second. */
export async function tinyBase(model: string): Promise<AdapterBase> {
  const read = await readGguf(model);
  if (!read.ok) throw new Error(read.message);
  return { sha256: 'tiny', name: 'Tiny', gguf: read.gguf };
}

export const tinyOptions = trainingOptionsSchema.parse({
  ...{ sequence: 128, learningRate: 0.01, rank: 4, checkpointEverySteps: 2, lowPriority: false },
});
