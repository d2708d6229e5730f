import type { NoSuggestionReason } from '#protocol/trace.ts';
import { placeUnits } from '../completion/cache.ts';
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
  /** What was typed since; where the model writes something else, its work is over. */
  typed: string;
  waiting: number;
}

/** What was typed since the generation began, where that agrees with what it writes so far, so that waiting for it pays. */
export function typedSince(flight: InFlight, place: Place): string | undefined {
  const began = flight.place;
  const length = place.offset - began.offset;
  if (began.uri !== place.uri || flight.controller.signal.aborted || length < 0 || length > place.prefix.length) {
    return undefined;
  }
  const at = place.prefix.length - length;
  const typed = place.prefix.slice(at);
  const fits =
    place.prefix.slice(0, at).endsWith(began.prefix.slice(-placeUnits)) &&
    place.suffix.startsWith(began.suffix.slice(0, placeUnits)) &&
    stillFits(flight.generated, typed);
  return fits ? typed : undefined;
}
