import type { LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp';
import { loadLibrary } from '../../../language-server/src/engine/library.ts';
import { modelPath } from '../product.ts';

/** Probability of each token as the next one. */
export type NextTokens = ReadonlyMap<number, number>;

/** Reads token by token and says after each what the model takes the next one to be. */
export interface Reader extends AsyncDisposable {
  restart(): Promise<void>;
  read(token: number): Promise<NextTokens>;
}

export interface Reading extends AsyncDisposable {
  /** At most `tokens` of them between restarts; `adapter` works on all. */
  reader(tokens: number, adapter?: { readonly path: string; readonly scale: number }): Promise<Reader>;
}

export async function openReading(): Promise<Reading> {
  const { llama } = await loadLibrary({ gpu: 'off', threads: 0, log: () => undefined });
  const model = await llama.loadModel({ modelPath: modelPath() });
  return {
    reader: (tokens, adapter) => openReader(model, tokens, adapter),
    async [Symbol.asyncDispose]() {
      await model.dispose();
      await llama.dispose();
    },
  };
}

async function openReader(
  model: LlamaModel,
  tokens: number,
  adapter?: { readonly path: string; readonly scale: number },
): Promise<Reader> {
  const lora = adapter && { adapters: [{ filePath: adapter.path, scale: adapter.scale }] };
  const context = await model.createContext({ contextSize: tokens, threads: 1, ...(lora ? { lora } : {}) });
  const sequence = context.getSequence();
  return {
    restart: () => sequence.clearHistory(),
    read: (token) => next(sequence, token),
    [Symbol.asyncDispose]: () => context.dispose(),
  };
}

/** The model's own distribution: no candidate is cut off. */
async function next(sequence: LlamaContextSequence, token: number): Promise<NextTokens> {
  const options = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  // The library brands its tokens, which are numbers.
  const input = token as Token;
  const [output] = await sequence.controlledEvaluate([[input, { generateNext: { probabilities: true, options } }]]);
  const probabilities = output?.next.probabilities;
  if (probabilities === undefined) throw new Error('The engine gave no probabilities.');
  return probabilities;
}
