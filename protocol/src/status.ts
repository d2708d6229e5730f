import { NotificationType, RequestType } from 'vscode-languageserver-protocol';

/** Commands of the extension that a problem may offer as its remedy. */
export type RemedyCommand =
  | 'argot.chooseModel'
  | 'argot.downloadDefaultModel'
  | 'argot.showOutput'
  | 'argot.openSettings'
  | 'argot.showPolicy';

/** What does not work, in a sentence that says what to do. `code` lets the extension show each problem once. */
export interface Problem {
  readonly code:
    | 'noModel'
    | 'modelFileMissing'
    | 'modelNotGguf'
    | 'modelTruncated'
    | 'modelUnsupported'
    | 'modelTooLarge'
    | 'modelFailed'
    | 'unknownModel'
    | 'diskReadOnly'
    | 'settings'
    | 'policy';
  readonly message: string;
  readonly remedy?: { readonly title: string; readonly command: RemedyCommand };
}

export interface ModelSummary {
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly licence: string;
}

/** Which device computes, and why not a faster one. */
export interface Backend {
  readonly device: 'cpu' | 'metal' | 'cuda' | 'vulkan';
  readonly reason: string;
  readonly threads: number;
}

/** The index of the window's folders, from which context of other files comes. */
export interface IndexStatus {
  readonly state: 'scanning' | 'ready';
  readonly files: number;
  /** Some folder is larger than the index may be: the rest of it is left out. */
  readonly truncated: boolean;
}

export interface Status {
  readonly state: 'loading' | 'ready' | 'busy' | 'problem';
  readonly pid: number;
  readonly version: string;
  readonly model?: ModelSummary;
  readonly backend?: Backend;
  /** Measured on this machine with this model, tokens per second; absent until measured. */
  readonly speed?: { readonly prefill: number; readonly decode: number };
  /** Absent where no folder is indexed. */
  readonly index?: IndexStatus;
  /** May stand beside a working model: the last good one stays in use. */
  readonly problem?: Problem;
}

/** Server → extension, whenever the status changes and once after `initialized`. */
export const statusNotification = new NotificationType<Status>('argot/status');

/** Extension → server, for benchmarks and the status menu: the server's process and how much work it has done. */
export interface StatisticsResult {
  readonly rssBytes: number;
  readonly cpuMs: number;
  readonly clients: number;
  readonly modelsInMemory: number;
  readonly requests: number;
  readonly modelCalls: number;
  readonly promptTokens: number;
  readonly evaluatedTokens: number;
  readonly decodedTokens: number;
  /** Generations for the time after a suggestion is taken, begun while it was shown; not among `modelCalls`. */
  readonly aheadCalls: number;
  readonly aheadDecodedTokens: number;
  /** Tokens that the model still worked on after the last cancel arrived. */
  readonly lastCancel?: { readonly prefillTokens: number; readonly decodeTokens: number };
  readonly signals: Readonly<Record<string, number>>;
}
export const statisticsRequest = new RequestType<null, StatisticsResult, void>('argot/statistics');
