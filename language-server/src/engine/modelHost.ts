import type { DownloadProgressParams, ModelChoice, ModelOutcome } from '#protocol/models.ts';
import type { Settings } from '#protocol/settings.ts';
import type { Status } from '#protocol/status.ts';
import type { Engine } from './engine.ts';

/** The model as everybody else sees it: an engine, or why there is none. */
export type EngineState =
  | { readonly kind: 'ready'; readonly engine: Engine }
  | { readonly kind: 'loading'; readonly loaded: Promise<unknown> }
  | { readonly kind: 'none'; readonly reason: 'noModel' | 'modelProblem' };

export type ReportProgress = (progress: Omit<DownloadProgressParams, 'id'>) => void;

/** Holds the one model of the process and changes it: loading a new one never costs the last good one. */
export interface ModelHost extends AsyncDisposable {
  readonly state: () => EngineState;
  readonly status: () => Pick<Status, 'state' | 'model' | 'backend' | 'speed' | 'problem'>;
  readonly modelsInMemory: () => number;
  /** Takes the settings of the window that spoke last; a changed model, backend or thread count loads anew. */
  configure(settings: Settings): void;
  onChange(listener: () => void): () => void;
  list(): Promise<readonly ModelChoice[]>;
  use(id: string): Promise<ModelOutcome>;
  download(id: string, onProgress: ReportProgress, signal: AbortSignal): Promise<ModelOutcome>;
  importFile(path: string, onProgress: ReportProgress, signal: AbortSignal): Promise<ModelOutcome>;
}
