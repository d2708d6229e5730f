/** Notifications kept in order, so that a test can wait for one that has come already or is still to come. */
export interface Events<T> {
  readonly push: (event: T) => void;
  all(): readonly T[];
  last(): T | undefined;
  /** The last event if it fits, otherwise the next that does. */
  until(fits: (event: T) => boolean, patienceMs?: number): Promise<T>;
  /** The next event that fits, not counting those that have come. */
  next(fits: (event: T) => boolean, patienceMs?: number): Promise<T>;
}

export function createEvents<T>(): Events<T> {
  const events: T[] = [];
  const listeners = new Set<(event: T) => void>();
  const next = (fits: (event: T) => boolean, patienceMs = 30_000): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        listeners.delete(listener);
        reject(new Error(`Waited ${patienceMs} ms in vain; the last was ${JSON.stringify(events.at(-1))}`));
      }, patienceMs);
      const listener = (event: T): void => {
        if (!fits(event)) return;
        clearTimeout(timer);
        listeners.delete(listener);
        resolve(event);
      };
      listeners.add(listener);
    });
  return {
    push: (event) => {
      events.push(event);
      for (const listener of [...listeners]) listener(event);
    },
    all: () => events,
    last: () => events.at(-1),
    next,
    until: (fits, patienceMs) => {
      const last = events.at(-1);
      return last !== undefined && fits(last) ? Promise.resolve(last) : next(fits, patienceMs);
    },
  };
}
