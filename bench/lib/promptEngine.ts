import type { Token } from 'node-llama-cpp';
import type { Engine, ModelInfo } from '../../language-server/src/engine/engine.ts';
import { readGguf } from '../../language-server/src/engine/gguf.ts';
import { loadLibrary } from '../../language-server/src/engine/library.ts';
import { promptFormatOf } from '../../language-server/src/engine/promptFormat.ts';

/** The product's tokenizer for a model, without its weights: enough to build prompts, and nothing to run them with. */
export async function openPromptEngine(modelPath: string, contextTokens: number): Promise<Engine> {
  const gguf = await readGguf(modelPath);
  if (!gguf.ok) throw new Error(`${modelPath} can't be read: ${gguf.fault}. Name another model in ARGOT_MODEL_PATH.`);
  const { llama } = await loadLibrary({ gpu: 'off', threads: 0, log: () => undefined });
  const vocabulary = await llama.loadModel({ modelPath, vocabOnly: true });
  const model: ModelInfo = {
    id: modelPath,
    name: modelPath,
    path: modelPath,
    sizeBytes: 0,
    licence: '',
    architecture: '',
    trainedContext: contextTokens,
    format: promptFormatOf(gguf.gguf),
  };
  const cannotRun = (): never => {
    throw new Error('This engine builds prompts only.');
  };
  return {
    model,
    backend: { device: 'cpu', reason: 'tokenizer only', threads: 0 },
    contextTokens,
    bos: vocabulary.tokens.shouldPrependBosToken ? (vocabulary.tokens.bos ?? undefined) : undefined,
    tokenize: (text) => (text === '' ? [] : vocabulary.tokenize(text, false)),
    specialToken(text) {
      const [only, ...more] = vocabulary.tokenize(text, true);
      return only !== undefined && more.length === 0 ? only : undefined;
    },
    detokenize: (tokens) => vocabulary.detokenize(tokens as Token[]),
    generate: cannotRun,
    prefill: cannotRun,
    setAdapters: cannotRun,
    adapters: () => [],
    speed: () => undefined,
    async [Symbol.asyncDispose]() {
      await vocabulary.dispose();
      await llama.dispose();
    },
  };
}
