export interface TriggerInput {
  /** Times between the last keystrokes, newest last, in milliseconds; pauses included. */
  readonly gapsMs: readonly number[];
  /** Time until the model has written its first token, here and now; undefined before the first request. */
  readonly firstTokenMs: number | undefined;
}

const longestWaitMs = 120;
/** Keystrokes closer than this to each other belong to one burst. */
const burstGapMs = 250;

/**
 * How long to wait before the model is asked, in milliseconds.
 *
 * A request that is cancelled costs at most one token, and one that agrees with the next keystroke goes on through it,
 * so the model is asked at once unless the developer types so fast that it could not write a token before the next
 * keystroke; then it waits for the burst's rhythm to break.
 */
export function debounceMs({ gapsMs, firstTokenMs }: TriggerInput): number {
  const burst = gapsMs.slice(-4).filter((gap) => gap < burstGapMs);
  if (firstTokenMs === undefined || burst.length < 3) return 0;
  const rhythm = median(burst);
  if (rhythm >= firstTokenMs) return 0;
  return Math.min(rhythm * 0.5, longestWaitMs);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

/**
 * Whether a generation under way still serves what the developer typed since: either it already wrote what was typed, or
 * it has not come that far and nothing contradicts it yet.
 */
export function stillFits(generated: string, typed: string): boolean {
  return generated.startsWith(typed) || typed.startsWith(generated);
}
