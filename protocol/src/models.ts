import { NotificationType, RequestType } from 'vscode-languageserver-protocol';

/** A model as “Argot: Choose Model” lists it. */
export interface ModelChoice {
  /** Catalogue id, or the absolute path of a user's own file. */
  readonly id: string;
  readonly name: string;
  readonly parameters: string;
  readonly licence: string;
  readonly sizeBytes: number;
  /** Weights, KV cache and buffers together, estimated. */
  readonly memoryBytes: number;
  readonly fitsMemory: boolean;
  readonly fillInTheMiddle: boolean;
  readonly installed: boolean;
  readonly active: boolean;
  /** Tokens per second measured on this machine; absent until the model ran here. */
  readonly speed?: { readonly prefill: number; readonly decode: number };
}

/** Extension → server, when the model picker opens. */
export const listModelsRequest = new RequestType<null, readonly ModelChoice[], void>('argot/models/list');

/** An expected outcome of an operation on models; `message` says what to do when it did not work. */
export type ModelOutcome =
  | { readonly ok: true; readonly id: string }
  /** `field` is the policy's, where that forbade it. */
  | { readonly ok: false; readonly cancelled: boolean; readonly message: string; readonly field?: string };

/** Extension → server: load this model now. When it fails, the last good one stays in use. */
export type UseModelParams = { readonly id: string };
export const useModelRequest = new RequestType<UseModelParams, ModelOutcome, void>('argot/models/use');

/** Extension → server, after the user agreed to the download. Cancelling the request stops it; a later one resumes. */
export type DownloadModelParams = { readonly id: string };
export const downloadModelRequest = new RequestType<DownloadModelParams, ModelOutcome, void>('argot/models/download');

/** Extension → server: copy a file that the user has into the model folder, verified. */
export type ImportModelParams = { readonly path: string };
export const importModelRequest = new RequestType<ImportModelParams, ModelOutcome, void>('argot/models/import');

/** Server → the extension that asked, at most ten times a second. `totalBytes` is 0 while it is not known. */
export interface DownloadProgressParams {
  readonly id: string;
  readonly phase: 'connecting' | 'downloading' | 'verifying';
  readonly receivedBytes: number;
  readonly totalBytes: number;
  readonly source: string;
}
export const downloadProgressNotification = new NotificationType<DownloadProgressParams>('argot/models/progress');
