import type { AdapterUse } from './adapters.ts';
import type { Engine, GenerateRequest, GenerateResult, ModelInfo, TokenId } from './engine.ts';
import { createQueue } from './queue.ts';
import { sharedPrefix } from './slots.ts';

/**
 * An engine without a model, for tests that are about something else. Its tokens are UTF-16 units; `answer` plays the
 * model: given the prompt's text and the required beginning, it says what comes next.
 */
export function createFakeEngine(
  answer: (prompt: string, required: string) => string,
  model: Partial<ModelInfo> = {},
): Engine {
  const enqueue = createQueue();
  let state: readonly TokenId[] = [];
  let adapters: readonly AdapterUse[] = [];
  const tokenize = (text: string) => Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  const detokenize = (tokens: readonly TokenId[]) => String.fromCharCode(...tokens);

  async function run(request: GenerateRequest, signal: AbortSignal): Promise<GenerateResult> {
    const reusedTokens = Math.min(sharedPrefix(state, request.tokens), request.tokens.length - 1);
    const said = answer(detokenize(request.tokens), request.required);
    const full = said.startsWith(request.required) ? said : request.required;
    let text = '';
    let ended: GenerateResult['ended'] = 'endOfText';
    const soFar = (): GenerateResult => ({
      text,
      ended,
      promptTokens: request.tokens.length,
      reusedTokens,
      evaluatedTokens: request.tokens.length - reusedTokens,
      decodedTokens: text.length,
      prefillMs: 0,
      decodeMs: 0,
      afterCancel: { prefillTokens: 0, decodeTokens: 0 },
    });
    for (const character of full) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (signal.aborted) {
        ended = 'cancelled';
        break;
      }
      text += character;
      if (text.length >= request.required.length && request.onText(text, soFar)) {
        ended = 'stopped';
        break;
      }
      if (text.length >= request.maxTokens) {
        ended = 'maxTokens';
        break;
      }
    }
    state = [...request.tokens, ...tokenize(text)];
    return soFar();
  }

  return {
    model: {
      id: 'fake',
      name: 'Fake',
      path: '',
      sizeBytes: 0,
      licence: 'MIT',
      architecture: 'fake',
      trainedContext: 8192,
      format: { family: 'plain' },
      ...model,
    },
    backend: { device: 'cpu', reason: 'no model', threads: 1 },
    contextTokens: 8192,
    bos: undefined,
    tokenize,
    detokenize,
    specialToken: () => undefined,
    generate: (request, signal) => enqueue(() => run(request, signal)),
    prefill: async (tokens) => {
      const evaluatedTokens = tokens.length - sharedPrefix(state, tokens);
      state = tokens;
      return { evaluatedTokens };
    },
    async setAdapters(uses) {
      adapters = uses;
      return { ok: true };
    },
    adapters: () => adapters,
    speed: () => ({ prefill: 1000, decode: 100 }),
    async [Symbol.asyncDispose]() {},
  };
}
