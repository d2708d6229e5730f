import { NotificationType, RequestType } from 'vscode-languageserver-protocol';
import { z } from 'zod';

/** What a list of adapters shows of each version. */
export interface AdapterSummary {
  readonly id: string;
  readonly kind: 'team' | 'personal';
  readonly origin: 'trained' | 'round' | 'imported';
  readonly createdAtMs: number;
  readonly baseName: string;
  /** Whether it belongs to the model in use. */
  readonly fits: boolean;
  readonly examples: number;
  readonly tokens: number;
  readonly sizeBytes: number;
  /** Absent while it is not in use. */
  readonly scale?: number;
  readonly verdict?: 'better' | 'notBetter' | 'forgets' | 'tooFew';
  /** Shares of the loss on held-out examples that it saved when it was judged, and the low end of the 95 % interval. */
  readonly gain?: number;
  readonly gainLow?: number;
  readonly forgetting?: number;
}

export interface LearningState {
  readonly versions: readonly AdapterSummary[];
  readonly pinned: readonly ('team' | 'personal')[];
  readonly training: TrainingState;
  /** Sentences on what is amiss: a missing trainer, damaged files. */
  readonly problems: readonly string[];
}

export type TrainingState =
  | { readonly kind: 'idle'; readonly waitingFor?: string }
  | {
      readonly kind: 'running';
      readonly phase: 'training' | 'judging';
      readonly paused: boolean;
      readonly step: number;
      readonly steps: number;
      readonly secondsLeft?: number;
    };

/** Extension → server: all adapter versions, and what training does. */
export const learningStateRequest = new RequestType<null, LearningState, void>('argot/learning/state');

/** How a run ended, in a sentence for the developer; `changed` when completions are different from now on. */
export interface TrainingResult {
  readonly kind: 'promoted' | 'kept' | 'rested' | 'tooFew' | 'cancelled' | 'failed';
  readonly message: string;
  readonly changed: boolean;
  readonly adapterId?: string;
}

/** Extension → server: train now, whatever the schedule says. Cancelling keeps what was done for the next run. */
export const trainNowRequest = new RequestType<null, TrainingResult, void>('argot/learning/train');

/** Server → all windows, while a run goes on and once when it ended. */
export const trainingNotification = new NotificationType<TrainingState>('argot/learning/training');

/** Server → all windows, when a run that started by itself changed what completes. */
export const learntNotification = new NotificationType<TrainingResult>('argot/learning/learnt');

/** `message` says what happened, or what to do when it did not work. */
export interface AdapterActionResult {
  readonly ok: boolean;
  readonly message: string;
}

const kind = z.enum(['team', 'personal']);
export const adapterActionSchema = z.discriminatedUnion('do', [
  z.object({ do: z.literal('rollback'), kind }),
  z.object({ do: z.literal('pin'), kind }),
  z.object({ do: z.literal('unpin'), kind }),
  z.object({ do: z.literal('activate'), id: z.string() }),
  z.object({ do: z.literal('export'), id: z.string(), path: z.string() }),
  z.object({ do: z.literal('import'), kind, path: z.string() }),
  z.object({ do: z.literal('delete'), ids: z.array(z.string()) }),
]);
export type AdapterAction = z.infer<typeof adapterActionSchema>;

/** Extension → server: what a developer does with adapters. */
export const adapterActionRequest = new RequestType<AdapterAction, AdapterActionResult, void>('argot/learning/adapter');
