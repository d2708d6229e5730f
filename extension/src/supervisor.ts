import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterFailure, type Backoff, delayMs, fresh, shouldTell } from './backoff.ts';
import type { FailureCode, Joined } from './join.ts';

/** One connection to the server, from its start to its end. */
export interface Session {
  readonly closed: Promise<void>;
  end(): Promise<void>;
}

export type Link =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  /** Lost or never reached; `tell` when silence would be wrong. */
  | { readonly kind: 'lost'; readonly code: FailureCode | 'closed'; readonly message: string; readonly tell: boolean };

export interface Supervised {
  readonly join: (signal: AbortSignal) => Promise<Joined>;
  readonly open: (socket: Socket) => Promise<Session>;
  readonly report: (link: Link) => void;
}

export interface Supervisor {
  /** Connects anew, at once, whatever the state. */
  restart(): void;
  /** Ends the session and waits for it. */
  stop(): Promise<void>;
}

/** Keeps one session alive: connects, waits for its end, and connects again with growing pauses. */
export function supervise(steps: Supervised): Supervisor {
  const life = new AbortController();
  let turn = new AbortController();
  let session: Session | undefined;
  const done = keepConnected();
  return {
    restart: () => turn.abort(),
    async stop() {
      life.abort();
      turn.abort();
      await done;
    },
  };

  async function keepConnected(): Promise<void> {
    let backoff = fresh;
    while (!life.signal.aborted) {
      turn = new AbortController();
      steps.report({ kind: 'connecting' });
      const outcome = await oneTurn(turn.signal);
      if (turn.signal.aborted) {
        backoff = fresh;
        continue;
      }
      backoff = afterFailure(backoff, outcome.lastedMs);
      report(outcome, backoff);
      await pause(outcome.final ? undefined : delayMs(backoff), turn.signal);
      if (turn.signal.aborted) backoff = fresh;
    }
  }

  async function oneTurn(signal: AbortSignal): Promise<Ending> {
    try {
      const joined = await steps.join(signal);
      if (joined.kind === 'failed') return { ...joined, lastedMs: 0 };
      session = await steps.open(joined.socket);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { code: 'closed', final: false, message, lastedMs: 0 };
    }
    const begun = Date.now();
    steps.report({ kind: 'connected' });
    await Promise.race([session.closed, aborted(signal)]);
    await session.end();
    session = undefined;
    return { code: 'closed', final: false, message: closedMessage, lastedMs: Date.now() - begun };
  }

  function report(ending: Ending, backoff: Backoff): void {
    const tell = ending.final || (shouldTell(backoff) && backoff.failures % 10 === 4);
    steps.report({ kind: 'lost', code: ending.code, message: ending.message, tell });
  }
}

interface Ending {
  readonly code: FailureCode | 'closed';
  readonly final: boolean;
  readonly message: string;
  readonly lastedMs: number;
}

const closedMessage =
  'Argot’s language server stopped several times. “Argot: Show Output” may say why; Argot keeps trying to start it.';

/** Undefined waits until somebody restarts or stops. */
async function pause(ms: number | undefined, signal: AbortSignal): Promise<void> {
  if (ms === undefined) return aborted(signal);
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
