const stepsMs = [200, 500, 1000, 2000, 5000, 10_000];
const healthyMs = 60_000;
/** Silent restarts before the developer is told. */
const silentFailures = 3;

/** How long to wait before the next start, and whether it is time to speak of it. */
export interface Backoff {
  readonly failures: number;
}

export const fresh: Backoff = { failures: 0 };

/** After a connection that lasted `lastedMs`. A healthy one makes what was before it forgotten. */
export function afterFailure(backoff: Backoff, lastedMs: number): Backoff {
  return { failures: lastedMs >= healthyMs ? 1 : backoff.failures + 1 };
}

export function delayMs(backoff: Backoff): number {
  return stepsMs[Math.min(backoff.failures, stepsMs.length) - 1] ?? 0;
}

export function shouldTell(backoff: Backoff): boolean {
  return backoff.failures > silentFailures;
}
