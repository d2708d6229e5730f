import type { Position } from 'vscode-languageserver-protocol';
import { stillFits } from '../completion/trigger.ts';

/** One generation under way and those who wait for it. */
export interface InFlight<R> {
  readonly uri: string;
  readonly offset: number;
  readonly before: string;
  readonly after: string;
  readonly documentVersion: number;
  readonly controller: AbortController;
  /** What the model wrote so far, after what was typed when it began. */
  generated: string;
  waiting: number;
  readonly result: Promise<R>;
}

/** Where a completion is wanted. With the suggest widget open, its selected entry counts as typed. */
export interface Place {
  readonly uri: string;
  /** In UTF-16 units, the selected entry included. */
  readonly offset: number;
  /** The cursor's offset in the document as it is. */
  readonly documentOffset: number;
  readonly prefix: string;
  readonly suffix: string;
  /** What an item inserts before the completion itself, and the start of the range that it replaces. */
  readonly lead: string;
  readonly replaceFrom: Position;
}

/** Whether what was typed since the generation began agrees with what it writes, so that waiting for it pays. */
export function canJoin<R>(flight: InFlight<R>, place: Place): boolean {
  const typed = place.offset - flight.offset;
  if (flight.uri !== place.uri || flight.controller.signal.aborted || typed < 0 || typed > place.prefix.length)
    return false;
  const at = place.prefix.length - typed;
  return (
    place.prefix.slice(0, at).endsWith(flight.before) &&
    place.suffix.startsWith(flight.after) &&
    stillFits(flight.generated, place.prefix.slice(at))
  );
}
