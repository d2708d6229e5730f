/** Decides when the process may end: a while after the last window left, or when a newer version wants its place. */
export interface Lifetime {
  joined(): void;
  left(): void;
  /** Accept nobody else, let the windows go, and end. */
  drain(): void;
  readonly clients: () => number;
  readonly draining: () => boolean;
}

export interface LifetimeDeps {
  readonly idleMs: number;
  /** Windows still at work may finish their requests for this long. */
  readonly drainMs: number;
  readonly stopListening: () => void;
  readonly closeClients: () => void;
  readonly end: () => void;
}

export function createLifetime(deps: LifetimeDeps): Lifetime {
  let clients = 0;
  let draining = false;
  let timer = setTimeout(deps.end, deps.idleMs);
  return {
    clients: () => clients,
    draining: () => draining,
    joined() {
      clients++;
      clearTimeout(timer);
    },
    left() {
      clients--;
      if (clients > 0) return;
      clearTimeout(timer);
      timer = setTimeout(deps.end, draining ? 0 : deps.idleMs);
    },
    drain() {
      if (draining) return;
      draining = true;
      deps.stopListening();
      clearTimeout(timer);
      timer = setTimeout(
        () => {
          deps.closeClients();
          deps.end();
        },
        clients === 0 ? 0 : deps.drainMs,
      );
    },
  };
}
