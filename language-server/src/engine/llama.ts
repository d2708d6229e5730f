import type { LlamaContextSequence, LlamaModel, Token, TokenBias } from 'node-llama-cpp';
import type { Backend } from '#protocol/status.ts';
import { firstPlacement, type Placement, type PlacementDeps } from './adapters.ts';
import { lookUpDraft } from './drafts.ts';
import type { Engine, GenerateRequest, GenerateResult, LikelyToken, ModelInfo, TokenId } from './engine.ts';
import { type BackendOptions, describeBackend, type Library, threadCount } from './library.ts';
import { createQueue } from './queue.ts';
import { createResidence, slotCount } from './residence.ts';
import { sharedPrefix } from './slots.ts';
import { createSpeedometer } from './speed.ts';
import { createVocabulary, type Spelling, type Vocabulary } from './vocabulary.ts';

/** A cancel takes effect between chunks, so a chunk bounds what is evaluated in vain. */
const prefillChunk = 64;
/** In a pause: a key that comes waits for one such piece, 0.1 s instead of 0.35 at 175 tokens/s, and each token costs a fifth more. */
const preparedChunk = 16;
/** Outweighs any logit, so that only tokens that spell the required text can win. */
const requiredBias = 1000;
/**
 * Nats that a token pays for each character that it leaves to be spelled. Of “purple” after four colours the model finds “p” as likely as
 * “purple”, but what it means by “p” hardly goes on with “urple”: spelled so, the word is strange to it and what follows is worse. In
 * `bench -- quality --cases 400` 23.6 % of a line's rest is right from its start with 0, 24.6 with 1, 24.9 with 2, 24.7 with 4, 23.8 with 8.
 */
const leftPrice = 2;
/** With more candidates than this, biasing each costs more than a second try now and then. */
const trustAbove = 1500;
/** Drafts are tried only after this many tokens in a row occurred before; shorter matches mislead too often. */
const draftMatch = 4;
/** Checked in one step with the token before them: a cancel takes effect between steps. */
const draftTokens = 3;

export interface LlamaOptions extends BackendOptions {
  /** Tokens that one sequence holds. */
  readonly contextTokens: number;
  readonly batchTokens: number;
}

/** Loads weights and context. Throws what the library throws; `loadModel` turns that into sentences. */
export async function openEngine(library: Library, model: ModelInfo, options: LlamaOptions): Promise<Engine> {
  const deps: PlacementDeps = {
    loadWeights: () =>
      library.llama.loadModel({ modelPath: model.path, ...(options.gpu === 'off' ? { gpuLayers: 0 } : {}) }),
    context: {
      contextSize: Math.min(options.contextTokens, model.trainedContext || options.contextTokens),
      sequences: slotCount,
      batchSize: options.batchTokens,
      threads: threadCount(options.threads),
      flashAttention: 'auto',
    },
  };
  return createEngine(library, await firstPlacement(deps), deps, model, describeBackend(library.llama, options));
}

function createEngine(
  library: Library,
  placement: Placement,
  deps: PlacementDeps,
  model: ModelInfo,
  backend: Backend,
): Engine {
  const enqueue = createQueue();
  let requests = 0;
  const residence = createResidence(placement, { ...deps, enqueue, idle: () => requests === 0 });
  const { weights } = residence;
  const { tokens: special } = placement.weights;
  const speedometer = createSpeedometer();
  let vocabulary: Vocabulary | undefined;

  /** What is done in idle time gives way to requests that wait or run. */
  function serve<T>(task: () => Promise<T>): Promise<T> {
    requests++;
    return enqueue(task).finally(() => requests--);
  }

  return {
    model,
    backend,
    contextTokens: placement.context.contextSize,
    bos: special.shouldPrependBosToken ? (special.bos ?? undefined) : undefined,
    setAdapters: residence.setAdapters,
    adapters: residence.adapters,
    tokenize: (text) => (text === '' ? [] : weights().tokenize(text, false)),
    specialToken(text) {
      const tokens = weights().tokenize(text, true);
      const [only] = tokens;
      return tokens.length === 1 && only !== undefined && weights().detokenize([only], true) === text
        ? only
        : undefined;
    },
    detokenize: (tokens) => detokenize(weights(), tokens),
    prefill: (tokens, signal) =>
      serve(async () => {
        if (signal.aborted) return { evaluatedTokens: 0 };
        const counts = createCounts(signal);
        const slot = residence.takeAside(tokens);
        await align(slot.sequence, tokens, tokens.length);
        await prefillRest(slot.sequence, tokens, tokens.length, preparedChunk, signal, counts, speedometer);
        return { evaluatedTokens: counts.prefill };
      }),
    generate: (request, signal) =>
      serve(async () => {
        if (signal.aborted) return cancelledBefore(request);
        vocabulary ??= createVocabulary(tokenTexts(weights()));
        const { sequence } = residence.take(request.tokens);
        return decode(library, weights(), sequence, vocabulary, speedometer, request, signal);
      }),
    speed: speedometer.read,
    [Symbol.asyncDispose]: () => residence[Symbol.asyncDispose](),
  };
}

/** A request that was withdrawn while it waited in the queue touches no slot. */
function cancelledBefore(request: GenerateRequest): GenerateResult {
  return {
    text: '',
    ended: 'cancelled',
    promptTokens: request.tokens.length,
    reusedTokens: 0,
    evaluatedTokens: 0,
    decodedTokens: 0,
    prefillMs: 0,
    decodeMs: 0,
    afterCancel: { prefillTokens: 0, decodeTokens: 0 },
  };
}

interface Counts {
  prefill: number;
  decode: number;
  afterCancel(): { readonly prefillTokens: number; readonly decodeTokens: number };
}

function createCounts(signal: AbortSignal): Counts {
  const counts = { prefill: 0, decode: 0 };
  let atCancel = signal.aborted ? { ...counts } : undefined;
  signal.addEventListener('abort', () => (atCancel ??= { ...counts }), { once: true });
  return Object.assign(counts, {
    afterCancel: () => ({
      prefillTokens: atCancel === undefined ? 0 : counts.prefill - atCancel.prefill,
      decodeTokens: atCancel === undefined ? 0 : counts.decode - atCancel.decode,
    }),
  });
}

async function decode(
  library: Library,
  weights: LlamaModel,
  sequence: LlamaContextSequence,
  vocabulary: Vocabulary,
  speedometer: ReturnType<typeof createSpeedometer>,
  request: GenerateRequest,
  signal: AbortSignal,
): Promise<GenerateResult> {
  const counts = createCounts(signal);
  const prompt = request.tokens;
  await using greedy = createGreedy(library, weights, sequence);
  const started = performance.now();
  // The last token is always evaluated: its logits choose the first token of the output.
  const reusedTokens = await align(sequence, prompt, prompt.length - 1);
  await prefillRest(sequence, prompt, prompt.length - 1, prefillChunk, signal, counts, speedometer);
  const prefilled = performance.now();

  const output: TokenId[] = [];
  let text = '';
  let ended: GenerateResult['ended'] = signal.aborted ? 'cancelled' : 'maxTokens';
  const soFar = (): GenerateResult => ({
    text,
    ended,
    promptTokens: prompt.length,
    reusedTokens,
    evaluatedTokens: counts.prefill + Math.min(counts.decode, 1),
    decodedTokens: output.length,
    prefillMs: prefilled - started,
    decodeMs: performance.now() - prefilled,
    afterCancel: counts.afterCancel(),
  });
  let pending: TokenId[] = prompt.slice(-1);
  loop: while (!signal.aborted && output.length < request.maxTokens) {
    const from = sequence.nextTokenIndex;
    const missing = request.required.startsWith(text) ? request.required.slice(text.length) : '';
    // So many tokens go on from a blank, say, that the model's own choice is almost always one of them.
    const trusting = missing !== '' && vocabulary.countBeginning(missing) > trustAbove;
    const allowed = missing === '' || trusting ? [] : vocabulary.spelling(missing);
    let given = 0;
    if (missing !== '' && !trusting && allowed.length === 0) {
      // No single token spells it (an emoji, say): it is given as it is, and the output goes on after it.
      const spelled: TokenId[] = weights.tokenize(missing, false);
      given = spelled.length;
      pending = [...pending, ...spelled];
      output.push(...spelled);
      text = request.required;
    }
    // A draft is checked against the model alone.
    const likely = missing === '' && pending.length === 1 ? (request.likely?.([...prompt, ...output]) ?? []) : [];
    let chosen = await greedy.step(pending, given, { allowed, likely });
    counts.decode += pending.length;
    if (trusting && !signal.aborted && !spells(weights, chosen.at(-1), missing)) {
      await sequence.eraseContextTokenRanges([{ start: from, end: sequence.nextTokenIndex }]);
      chosen = await greedy.step(pending, given, { allowed: vocabulary.spelling(missing), likely: [] });
      counts.decode += pending.length;
    }
    if (signal.aborted) {
      ended = 'cancelled';
      break;
    }
    for (const [i, token] of chosen.entries()) {
      if (i < given) continue;
      if (token === undefined || weights.isEogToken(token)) {
        ended = 'endOfText';
        break loop;
      }
      output.push(token);
      text = detokenize(weights, output);
      if (text.length >= request.required.length && request.onText(text, soFar)) {
        ended = 'stopped';
        break loop;
      }
      if (i + 1 < chosen.length && pending[i + 1] !== token) {
        await sequence.eraseContextTokenRanges([{ start: from + i + 1, end: sequence.nextTokenIndex }]);
        break;
      }
    }
    const last = output.at(-1);
    if (last === undefined) break;
    const drafts =
      speedometer.batchesAreCheap() && missing === ''
        ? lookUpDraft([...prompt, ...output], draftMatch, draftTokens)
        : [];
    pending = [last, ...drafts];
  }
  if (signal.aborted) ended = 'cancelled';
  const result = soFar();
  speedometer.decoded(output.length, result.decodeMs);
  return result;
}

/** Drops from the sequence what does not belong to the prompt's first `keep` tokens. Returns how many are reused. */
async function align(sequence: LlamaContextSequence, prompt: readonly TokenId[], keep: number): Promise<number> {
  const shared = Math.min(sharedPrefix(sequence.contextTokens, prompt), keep);
  if (shared < sequence.nextTokenIndex) {
    await sequence.eraseContextTokenRanges([{ start: shared, end: sequence.nextTokenIndex }]);
  }
  return shared;
}

async function prefillRest(
  sequence: LlamaContextSequence,
  prompt: readonly TokenId[],
  end: number,
  pieceTokens: number,
  signal: AbortSignal,
  counts: Counts,
  speedometer: ReturnType<typeof createSpeedometer>,
): Promise<void> {
  while (sequence.nextTokenIndex < end && !signal.aborted) {
    const chunk = prompt.slice(sequence.nextTokenIndex, Math.min(sequence.nextTokenIndex + pieceTokens, end));
    const started = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(chunk as Token[]);
    counts.prefill += chunk.length;
    speedometer.prefilled(chunk.length, performance.now() - started);
  }
}

interface Preference {
  /** Only these tokens may come; empty for any. */
  readonly allowed: readonly Spelling[];
  readonly likely: readonly LikelyToken[];
}

interface Greedy extends AsyncDisposable {
  /** Evaluates `pending` in one batch and gives the greedy next token after each of them but the first `given`. */
  step(pending: readonly TokenId[], given: number, preference: Preference): Promise<(Token | undefined)[]>;
}

/**
 * Step by step, with one sampler for the whole generation: a new one for each token, which `controlledEvaluate` makes,
 * costs a twentieth of a small model's step. Only a batch with a draft in it needs that.
 */
function createGreedy(library: Library, weights: LlamaModel, sequence: LlamaContextSequence): Greedy {
  const none = library.TokenBias.for(weights);
  let bias = none;
  let tokens: AsyncGenerator<Token, void, Token | Token[] | undefined> | undefined;

  async function next(pending: Token[]): Promise<Token | undefined> {
    const begun = tokens !== undefined;
    tokens ??= sequence.evaluate(pending, { temperature: 0, tokenBias: () => bias, yieldEogToken: true });
    const result = await (begun ? tokens.next(pending) : tokens.next());
    return result.done === true ? undefined : result.value;
  }

  return {
    async step(pending, given, preference) {
      bias = prefer(library, weights, preference) ?? none;
      const unknown = pending.length - given;
      if (unknown === 1) return [...Array<undefined>(given), await next([...pending] as Token[])];
      const options = { temperature: 0, tokenBias: bias };
      const results = await sequence.controlledEvaluate(
        pending.map((token, i) => [token as Token, i < given ? {} : { generateNext: { token: true, options } }]),
      );
      return Array.from(results, (result) => result?.next.token ?? undefined);
    },
    async [Symbol.asyncDispose]() {
      await tokens?.return();
    },
  };
}

function prefer(library: Library, weights: LlamaModel, { allowed, likely }: Preference): TokenBias | undefined {
  if (allowed.length === 0 && likely.length === 0) return undefined;
  const bias = library.TokenBias.for(weights);
  for (const { tokens, left } of allowed) bias.set(tokens as Token[], { logit: requiredBias - leftPrice * left });
  for (const { token, bonus } of likely) bias.set(token as Token, { logit: bonus });
  return bias;
}

function spells(weights: LlamaModel, token: Token | undefined, missing: string): boolean {
  const said = token === undefined || weights.isEogToken(token) ? '' : weights.detokenize([token]);
  return said !== '' && (said.startsWith(missing) || missing.startsWith(said));
}

function detokenize(weights: LlamaModel, tokens: readonly TokenId[]): string {
  return weights.detokenize(tokens as Token[]);
}

function* tokenTexts(weights: LlamaModel): Generator<[TokenId, string]> {
  for (const token of weights.iterateAllTokens()) yield [token, weights.detokenize([token])];
}
