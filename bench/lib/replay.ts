import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyRecord, Side } from './side.ts';
import { createStage, isKeystroke, type Stage, type Trace, type TraceEvent } from './trace.ts';

/** A person who waits longer than this is taken to wait this long: nothing happens meanwhile. */
const longestGapMs = 1000;

/** Events that one side plays while the other is idle. */
export interface Segment {
  readonly trace: Trace;
  readonly from: number;
  readonly to: number;
}

export interface Played {
  readonly trace: Trace;
  /** Undefined while a slip stands, and where nothing more was typed before the next jump. */
  readonly intended: string | undefined;
  readonly record: KeyRecord;
}

/** Parts of `keys` keystrokes; a trace's last may be longer by half. */
export function segmentsOf(trace: Trace, keys: number): Segment[] {
  const segments: Segment[] = [];
  let [from, pressed] = [0, 0];
  const keysFrom = (start: number): number => trace.events.slice(start).filter(isKeystroke).length;
  for (const [index, event] of trace.events.entries()) {
    if (isKeystroke(event)) pressed++;
    if (pressed < keys || keysFrom(index + 1) < keys / 2) continue;
    segments.push({ trace, from, to: index + 1 });
    [from, pressed] = [index + 1, 0];
  }
  if (from < trace.events.length) segments.push({ trace, from, to: trace.events.length });
  return segments;
}

/** Where one side's person is: each side types for itself. */
export interface Player {
  play(segment: Segment, signal: AbortSignal): Promise<Played[]>;
}

/**
 * Plays segments in order, in a closed loop: the next key comes after its pause, or when the answer has arrived,
 * whichever is later.
 */
export function createPlayer(side: Side): Player {
  let playing:
    | { readonly trace: Trace; readonly stage: Stage; readonly intended: ReadonlyMap<number, string> }
    | undefined;

  async function begin(trace: Trace) {
    await side.begin(trace.name);
    return { trace, stage: createStage(trace.files), intended: intendedAfter(trace) };
  }

  async function act(event: TraceEvent, stage: Stage): Promise<KeyRecord | undefined> {
    const edit = stage.apply(event);
    if (edit !== undefined) return side.key(stage.path(), edit);
    if (event.type === 'open') await side.open(event, stage.texts.get(event.path) ?? '');
    if (event.type === 'jump') await side.jump(event.path, event.offset);
    return undefined;
  }

  return {
    async play({ trace, from, to }, signal) {
      if (playing?.trace !== trace) playing = await begin(trace);
      const played: Played[] = [];
      let last = performance.now();
      for (const [index, event] of trace.events.slice(from, to).entries()) {
        const wait = last + Math.min(event.gapMs, longestGapMs) - performance.now();
        if (wait > 0) await sleep(wait, undefined, { signal });
        last = performance.now();
        const record = await act(event, playing.stage);
        if (record !== undefined) played.push({ trace, intended: playing.intended.get(from + index), record });
      }
      return played;
    },
  };
}

/**
 * For each keystroke, by its event's index, what the person goes on to write at the cursor before leaving the place;
 * found by playing the trace to its end. Keystrokes that are taken back have no entry, nor have the last at a place.
 */
export function intendedAfter(trace: Trace): Map<number, string> {
  const intended = new Map<number, string>();
  const stage = createStage(trace.files);
  let visit: { readonly event: number; readonly before: string }[] = [];
  const leave = (): void => {
    const written = stage.text().slice(0, stage.cursor());
    for (const { event, before } of visit) {
      if (written.startsWith(before) && written.length > before.length)
        intended.set(event, written.slice(before.length));
    }
    visit = [];
  };
  for (const [index, event] of trace.events.entries()) {
    if (event.type === 'jump') leave();
    if (stage.apply(event) !== undefined) visit.push({ event: index, before: stage.text().slice(0, stage.cursor()) });
  }
  leave();
  return intended;
}
