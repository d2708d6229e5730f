import { getLlama, LlamaLogLevel, type Token } from 'node-llama-cpp';
import type { Engine } from '../../language-server/src/engine/engine.ts';

export type Tokenizer = Pick<Engine, 'tokenize' | 'detokenize'>;

/** A model's tokenizer without its weights. */
export async function openTokenizer(modelPath: string): Promise<Tokenizer & AsyncDisposable> {
  const llama = await getLlama({
    ...{ gpu: false, build: 'never', skipDownload: true, progressLogs: false },
    logLevel: LlamaLogLevel.error,
  });
  const vocabulary = await llama.loadModel({ modelPath, vocabOnly: true });
  return {
    tokenize: (text) => (text === '' ? [] : vocabulary.tokenize(text, false)),
    detokenize: (tokens) => vocabulary.detokenize(tokens as Token[]),
    async [Symbol.asyncDispose]() {
      await vocabulary.dispose();
      await llama.dispose();
    },
  };
}
