/** When suggestions come back; `restart` is when VS Code is started again. */
export type Until = number | 'restart';

export interface Snooze {
  readonly until: () => Until | undefined;
  /** For so many minutes from now, or until VS Code restarts. */
  start(minutes: number | 'restart'): void;
  resume(): void;
  dispose(): void;
}

/** A pause of this window's suggestions; `changed` is called when it begins and when it ends, by itself or not. */
export function createSnooze(changed: () => void, now: () => number = Date.now): Snooze {
  let until: Until | undefined;
  let timer: NodeJS.Timeout | undefined;
  const set = (value: Until | undefined): void => {
    clearTimeout(timer);
    until = value;
    if (typeof value === 'number') {
      timer = setTimeout(() => set(undefined), value - now());
      timer.unref();
    }
    changed();
  };
  return {
    until: () => until,
    start: (minutes) => set(minutes === 'restart' ? minutes : now() + minutes * 60_000),
    resume: () => set(undefined),
    dispose: () => clearTimeout(timer),
  };
}
