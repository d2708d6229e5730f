import type { Backend } from '#protocol/status.ts';

export type TokenId = number;

/** How a model wants fill-in-the-middle prompts; every field is the text of a special token. */
export interface FimTokens {
  readonly prefix: string;
  readonly suffix: string;
  readonly middle: string;
  /** Ends the middle, beside the end-of-text token. */
  readonly stop: readonly string[];
}

/** What the prompt builder needs to know of a model; from the catalogue or from the GGUF's metadata. */
export interface PromptFormat {
  readonly family: string;
  readonly fim?: FimTokens;
  readonly repositoryToken?: string;
  readonly fileToken?: string;
}

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

export interface GenerateRequest {
  /** The prompt; special tokens in `text` are parsed only where `special` says so. */
  readonly tokens: readonly TokenId[];
  /** The output begins with this text: tokens are chosen among those that spell it (token healing). May be empty. */
  readonly required: string;
  readonly maxTokens: number;
  /** Texts that might follow; used as drafts, verified by the model, so they never change the output. */
  readonly draft?: readonly TokenId[];
  /** Called with all text so far after each token; returning true ends the generation. */
  readonly onText: (text: string) => boolean;
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
  /** The token that `text` names, such as `<fim_prefix>`; undefined where the vocabulary lacks it. */
  specialToken(text: string): TokenId | undefined;
  detokenize(tokens: readonly TokenId[]): string;
  generate(request: GenerateRequest, signal: AbortSignal): Promise<GenerateResult>;
  /** Evaluates a prompt so that a later `generate` finds it; stops early when the signal is cancelled. */
  prefill(tokens: readonly TokenId[], signal: AbortSignal): Promise<{ readonly evaluatedTokens: number }>;
  /** Measured over what ran so far, tokens per second; undefined before the first. */
  speed(): { readonly prefill: number; readonly decode: number } | undefined;
}
