import { NotificationType, RequestType } from 'vscode-languageserver-protocol';

/** What the developer did, or `ownHistory`: code from their own commits, from before Argot. */
export type LearnedKind = 'accepted' | 'partial' | 'corrected' | 'typedInstead' | 'undone' | 'ownHistory';

/** An example as “Argot: Your Data” lists it. */
export interface ExampleSummary {
  readonly id: string;
  readonly kind: LearnedKind;
  /** `name#hash` of the workspace folder. */
  readonly repository: string;
  readonly path: string;
  readonly languageId: string;
  readonly createdAtMs: number;
  /** The first line of what it is about. */
  readonly firstLine: string;
}

/** Which examples; all conditions hold together. */
export interface ExampleFilter {
  readonly search?: string;
  readonly kinds?: readonly LearnedKind[];
  readonly repositories?: readonly string[];
  readonly fromMs?: number;
  readonly untilMs?: number;
}

export interface ListExamplesParams {
  readonly filter: ExampleFilter;
  readonly offset: number;
  readonly limit: number;
}
/** Extension → server, as the view is opened and scrolled: newest first. */
export const listExamplesRequest = new RequestType<ListExamplesParams, readonly ExampleSummary[], void>(
  'argot/examples/list',
);

export interface ExampleTotals {
  readonly total: number;
  readonly byKind: Readonly<Record<LearnedKind, number>>;
  readonly byRepository: Readonly<Record<string, number>>;
  /** Whether something is learned from now on; a sentence says why not. */
  readonly off?: string;
  /** What opening the store found damaged, as a sentence. */
  readonly damage?: string;
}
/** Extension → server, for the view's groups and message. A search counts nothing here. */
export const countExamplesRequest = new RequestType<Omit<ExampleFilter, 'search'>, ExampleTotals, void>(
  'argot/examples/count',
);

export interface ExampleDetails {
  readonly summary: ExampleSummary;
  readonly text: string;
  /** UTF-16 units of `text`. */
  readonly spanStart: number;
  readonly spanEnd: number;
  readonly weight: number;
  /** Adapter versions that were trained on it. */
  readonly adapterIds: readonly string[];
}
/** Extension → server, when the developer opens one. Null where it is gone. */
export const exampleDetailsRequest = new RequestType<{ readonly id: string }, ExampleDetails | null, void>(
  'argot/examples/details',
);

/** An expected outcome; `message` says what to do when it did not work. */
export type LearningOutcome =
  | { readonly ok: true; readonly count: number }
  | { readonly ok: false; readonly message: string };

export type DeleteExamplesParams =
  | { readonly ids: readonly string[] }
  /** All that the filter lets through. */
  | { readonly filter: ExampleFilter };
/** Extension → server, after the developer confirmed. Their text is off the disk when it is answered well. */
export const deleteExamplesRequest = new RequestType<DeleteExamplesParams, LearningOutcome, void>(
  'argot/examples/delete',
);

/** Extension → server, after the developer confirmed: everything that was learned goes, from memory and disk. */
export const forgetEverythingRequest = new RequestType<null, LearningOutcome, void>('argot/examples/forgetEverything');

/** Server → all extensions: the view shows old things. At most once a second. */
export const examplesChangedNotification = new NotificationType<null>('argot/examples/changed');

/** What “Argot: Learn From My History” would use of a repository, before it uses it. */
export interface HistoryPreview {
  readonly email: string;
  readonly files: number;
  readonly lines: number;
  readonly examples: number;
  /** Why files or stretches were left out, and how many. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** Some of the files, those with most lines first. */
  readonly paths: readonly string[];
}
export type HistoryPreviewResult =
  | { readonly ok: true; readonly preview: HistoryPreview }
  | { readonly ok: false; readonly message: string };
export interface HistoryParams {
  /** URI of a workspace folder. */
  readonly folder: string;
}
/** Extension → server: looks through the repository's working tree; stores nothing. */
export const previewHistoryRequest = new RequestType<HistoryParams, HistoryPreviewResult, void>(
  'argot/history/preview',
);
/** Extension → server, after the developer saw the preview and agreed, for this repository. */
export const learnHistoryRequest = new RequestType<HistoryParams, LearningOutcome, void>('argot/history/learn');
