import type { NoSuggestionReason } from '#protocol/trace.ts';
import { stillFits } from '../completion/trigger.ts';
import type { Place } from './place.ts';

/** What a generation gave: a suggestion, which is then in the cache, or why not. */
export type Outcome =
  | { readonly kind: 'suggestion' }
  | { readonly kind: 'nothing'; readonly reason: NoSuggestionReason }
  | { readonly kind: 'cancelled' };

/** One generation under way and those who wait for it. */
export interface InFlight {
  readonly place: Place;
  readonly documentVersion: number;
  readonly controller: AbortController;
  /** What the model wrote so far, after what was typed when it began. */
  generated: string;
  waiting: number;
}

/** How much text on each side tells one place from another, in UTF-16 units. */
const contextUnits = 160;

/** Whether what was typed since the generation began agrees with what it writes, so that waiting for it pays. */
export function canJoin(flight: InFlight, place: Place): boolean {
  const began = flight.place;
  const typed = place.offset - began.offset;
  if (began.uri !== place.uri || flight.controller.signal.aborted || typed < 0 || typed > place.prefix.length)
    return false;
  const at = place.prefix.length - typed;
  return (
    place.prefix.slice(0, at).endsWith(began.prefix.slice(-contextUnits)) &&
    place.suffix.startsWith(began.suffix.slice(0, contextUnits)) &&
    stillFits(flight.generated, place.prefix.slice(at))
  );
}
