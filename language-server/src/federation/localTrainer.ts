import type { Plan } from '#protocol/federation/messages.ts';

/** What a member does on its own machine in a round, apart from the protocol. */
export interface LocalTrainer {
  /** SHA-256 of the base model's file, in hex. */
  readonly baseSha256: string;
  /** Values of an update with this adapter; undefined where the base model cannot carry it. */
  updateLength(adapter: Plan['adapter']): number | undefined;
  /**
   * Trains from the team's adapter on the examples of the enrolled repository. `work` is a folder of this plan alone, in
   * which a run that was killed goes on; what is left there is the caller's to remove.
   */
  train(job: TrainingJob, signal: AbortSignal): Promise<LocalOutcome<LocalUpdate>>;
  /** Writes the adapter that `delta`, counted from the seeded start, stands for. */
  materialise(adapter: Plan['adapter'], delta: Float32Array, file: string, signal: AbortSignal): Promise<LocalOutcome>;
  /** On this member's held-out data, of each adapter file; undefined is the base model. */
  heldOutLosses(
    adapters: readonly (string | undefined)[],
    signal: AbortSignal,
  ): Promise<LocalOutcome<readonly HeldOutLoss[]>>;
  /** Losses of the lines of `choiceLines` (backdoorScan.ts), in nats, with each adapter file; undefined is the base model. */
  choiceLosses(
    adapters: readonly (string | undefined)[],
    signal: AbortSignal,
  ): Promise<LocalOutcome<readonly (readonly number[])[]>>;
}

export interface HeldOutLoss {
  /** In nats, of all tokens. */
  readonly perToken: number;
  /** Nats of each example. */
  readonly examples: readonly number[];
}

export interface TrainingJob {
  readonly adapter: Plan['adapter'];
  readonly training: Plan['training'];
  readonly privacy: Plan['privacy'];
  readonly maxWeight: number;
  /** The team's adapter, on disk; undefined is the seeded start. */
  readonly start: string | undefined;
  readonly work: string;
  /** Of the examples: where a run takes some of them, another order takes others. */
  readonly order: number;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface TrainingProgress {
  readonly step: number;
  readonly steps: number;
  readonly tokensPerSecond: number;
}

export interface LocalUpdate {
  /** Difference from the start, in the order of a delta (native/src/adapter.h). */
  readonly update: Float32Array;
  /** 1 to `maxWeight`. */
  readonly weight: number;
}

/** `tooLittleData`: nothing to train on or to judge by; the round is missed, which costs nothing. */
export type LocalProblem = 'tooLittleData' | 'trainerFailed' | 'cancelled';

export type LocalOutcome<Value = undefined> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: LocalProblem; readonly message: string };
