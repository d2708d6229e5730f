import type { Backend } from '#protocol/status.ts';
import type { PromptFormat } from '../completion/promptFormat.ts';
import type { AdapterUse, SetAdaptersOutcome } from './adapters.ts';

export type { FimTokens, PromptFormat } from '../completion/promptFormat.ts';

export type TokenId = number;

export interface ModelInfo {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly licence: string;
  readonly architecture: string;
  /** Tokens that the model was trained to attend to. */
  readonly trainedContext: number;
  readonly format: PromptFormat;
}

export interface LikelyToken {
  readonly token: TokenId;
  readonly bonus: number;
}

export interface GenerateRequest {
  /** The prompt, at least one token. */
  readonly tokens: readonly TokenId[];
  /** The output begins with this text: tokens are chosen among those that spell it (token healing). May be empty. */
  readonly required: string;
  readonly maxTokens: number;
  /** Tokens that are likely after these, with what is added to their logits, in nats; asked before each token. */
  readonly likely?: (tokens: readonly TokenId[]) => readonly LikelyToken[];
  /** Called with all text so far, and what it cost, after each token; returning true ends the generation. */
  readonly onText: (text: string, soFar: () => GenerateResult) => boolean;
}

export interface GenerateResult {
  /** With the required text at its start. */
  readonly text: string;
  readonly ended: 'stopped' | 'endOfText' | 'maxTokens' | 'cancelled';
  readonly promptTokens: number;
  readonly reusedTokens: number;
  readonly evaluatedTokens: number;
  readonly decodedTokens: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  /** Work that was under way when the signal was cancelled and could not be stopped, in tokens. */
  readonly afterCancel: { readonly prefillTokens: number; readonly decodeTokens: number };
}

/**
 * One loaded model. Calls are queued: one evaluation at a time. A cancelled signal takes effect within one prefill
 * chunk (64 tokens) or one decoded token and gives a result with `ended: 'cancelled'`, never an exception.
 */
export interface Engine extends AsyncDisposable {
  readonly model: ModelInfo;
  readonly backend: Backend;
  /** Tokens that one sequence holds: the prompt and its completion must fit. */
  readonly contextTokens: number;
  /** Plain text: nothing in it becomes a special token. */
  tokenize(text: string): TokenId[];
  /** Put first in every prompt, for models that were trained so. */
  readonly bos: TokenId | undefined;
  /** The token that `text` names, such as `<fim_prefix>`; undefined where the vocabulary lacks it. */
  specialToken(text: string): TokenId | undefined;
  detokenize(tokens: readonly TokenId[]): string;
  generate(request: GenerateRequest, signal: AbortSignal): Promise<GenerateResult>;
  /** Evaluates a prompt so that a later `generate` finds it; stops early when the signal is cancelled. */
  prefill(tokens: readonly TokenId[], signal: AbortSignal): Promise<{ readonly evaluatedTokens: number }>;
  /**
   * Applies these adapters to all that is generated from then on; none gives the base model back. They are loaded beside
   * what serves and exchanged between two requests. A file may not change while it is in use, and its name not be used
   * again for other contents.
   */
  setAdapters(adapters: readonly AdapterUse[]): Promise<SetAdaptersOutcome>;
  adapters(): readonly AdapterUse[];
  /** Measured over what ran so far, tokens per second; undefined before the first. */
  speed(): { readonly prefill: number; readonly decode: number } | undefined;
}
