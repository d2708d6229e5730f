import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Greeting } from '#protocol/handshake.ts';
import type { Contact, RefusalCode } from './connection.ts';
import type { Launched } from './launch.ts';

export type Joined =
  | { readonly kind: 'joined'; readonly socket: Socket; readonly greeting: Greeting }
  /** `final` failures need somebody to act; after the others another try makes sense. */
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly final: boolean; readonly message: string };

export type FailureCode = RefusalCode | 'launch' | 'timeout';

export interface JoinSteps {
  readonly contact: (signal: AbortSignal) => Promise<Contact>;
  readonly launch: () => Launched;
  /** What a server that ended at once had to say. */
  readonly lastWords: () => string;
  /** Milliseconds; injected so that tests don't wait. */
  readonly limitMs?: number;
}

const defaultLimitMs = 10_000;
/** A start that lost the race for the address ends at once; more than a few such ends are a fault. */
const maxLaunches = 3;

/** Reaches this user's server, and starts it when nobody listens. */
export async function joinServer(steps: JoinSteps, signal: AbortSignal): Promise<Joined> {
  const limitMs = steps.limitMs ?? defaultLimitMs;
  const begun = Date.now();
  let launched: Launched | undefined;
  let launches = 0;
  for (let attempt = 0; Date.now() - begun < limitMs; attempt++) {
    signal.throwIfAborted();
    const contact = await steps.contact(signal);
    if (contact.kind === 'joined') return contact;
    if (contact.kind === 'refused') {
      return { kind: 'failed', code: contact.code, final: true, message: contact.message };
    }
    if (contact.kind === 'absent' && (launched === undefined || launched.ended() !== undefined)) {
      if (launches === maxLaunches) return launchFailure(launched?.ended() ?? '', steps.lastWords());
      launched = steps.launch();
      launches++;
    }
    await sleep(pauseMs(attempt, launches), undefined, { signal });
  }
  return {
    kind: 'failed',
    code: 'timeout',
    final: false,
    message: `Argot's language server did not answer within ${limitMs / 1000} seconds. “Argot: Show Output” may say why.`,
  };
}

/** Quick at first, since a server listens before it loads its model; slower after a launch that ended. */
function pauseMs(attempt: number, launches: number): number {
  if (launches > 1) return 200;
  return attempt < 60 ? 25 : 100;
}

function launchFailure(how: string, lastWords: string): Joined {
  const words = lastWords === '' ? '' : ` Its last words: ${lastWords}`;
  return {
    kind: 'failed',
    code: 'launch',
    final: false,
    message: `Argot's language server ended as soon as it was started (${how}).${words}`,
  };
}
