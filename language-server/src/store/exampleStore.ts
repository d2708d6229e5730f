import type { Fault } from '../engine/faults.ts';
import type { Example, ExampleKind } from '../learning/example.ts';

/** Which examples; all conditions hold together, and an absent one asks for nothing. */
export interface ExampleQuery {
  readonly ids?: readonly string[];
  readonly kinds?: readonly ExampleKind[];
  readonly repositories?: readonly string[];
  readonly languageIds?: readonly string[];
  /** `createdAtMs` within `[fromMs, untilMs)`. */
  readonly fromMs?: number;
  readonly untilMs?: number;
  /** Text or path contains this, whatever its case. */
  readonly search?: string;
  /** Newest first unless this says otherwise. */
  readonly order?: 'newestFirst' | 'oldestFirst';
  readonly offset?: number;
  readonly limit?: number;
}

/** `added`: it is on disk. `duplicate`: one that teaches the same, or enough of its idiom, is stored already. */
export type AddOutcome =
  | { readonly kind: 'added' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'failed'; readonly fault: Fault };

export type ChangeOutcome = { readonly ok: true } | { readonly ok: false; readonly fault: Fault };

export interface ExampleCounts {
  readonly total: number;
  readonly byKind: Readonly<Record<ExampleKind, number>>;
  readonly byRepository: ReadonlyMap<string, number>;
  /** Creation times of the oldest and the newest; undefined where there is none. */
  readonly oldestMs?: number;
  readonly newestMs?: number;
}

/** All examples of this user. A change is on disk when its promise resolves well. */
export interface ExampleStore {
  add(example: Example): Promise<AddOutcome>;
  list(query: ExampleQuery, signal: AbortSignal): Promise<readonly Example[]>;
  counts(query?: ExampleQuery): Promise<ExampleCounts>;
  /** Their text is off the disk when this resolves well. Unknown ids are no error. */
  delete(ids: readonly string[]): Promise<ChangeOutcome>;
  /** Removes every file of the store, journal, snapshots and files set aside included. */
  deleteAll(): Promise<ChangeOutcome>;
  /** An adapter version was trained on these. */
  markUsed(adapterId: string, ids: readonly string[]): Promise<ChangeOutcome>;
  /** That adapter version is gone. */
  forgetAdapter(adapterId: string): Promise<ChangeOutcome>;
  /** Adapter versions that were trained on any of these. */
  adaptersUsing(ids: readonly string[]): Promise<readonly string[]>;
  /** Called after examples are gone, with the adapter versions that were trained on them. Returns how to stop that. */
  onDeleted(listener: (deletion: Deletion) => void): () => void;
}

export interface Deletion {
  readonly ids: readonly string[];
  readonly adapterIds: readonly string[];
}
