import type { KeyEdit, OpenEvent } from './trace.ts';

/** One keystroke's completion, as the person got it and as it came about. */
export interface KeyRecord {
  /** From the keystroke to the answer, an item or none. */
  readonly latencyMs: number;
  /** Of the peer: what it would be if it too offered a block as soon as its first line is written. */
  readonly firstLineMs?: number;
  /** What was offered after the cursor; empty for nothing. */
  readonly offer: string;
  readonly fromModel: boolean;
  readonly promptTokens: number;
  readonly evaluatedTokens: number;
  readonly decodedTokens: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  /** Decode steps in `decodeMs`: llama-server's clock starts after the first token. */
  readonly decodeSteps: number;
  /** From the request's arrival to its answer, by the server's own clock; absent for the peer. */
  readonly serverMs?: number;
  /** A deliberate wait before the model is asked. */
  readonly waitMs: number;
  /** As the model was given it; absent where it was not asked. */
  readonly prompt?: string;
}

/** One of the two that complete: it is told what the person does, and answers each keystroke. */
export interface Side {
  /** Another project; whatever was open is closed. */
  begin(project: string): Promise<void>;
  open(event: OpenEvent, text: string): Promise<void>;
  jump(path: string, offset: number): Promise<void>;
  key(path: string, edit: KeyEdit): Promise<KeyRecord>;
}

export function uriOf(project: string, path = ''): string {
  return `file:///bench/${project}/${path}`;
}
