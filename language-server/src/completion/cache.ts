/** A suggestion and the place where it was made. Offsets count UTF-16 units. */
export interface CachedSuggestion {
  readonly uri: string;
  readonly offset: number;
  /** The end of the text before the place, to know it again. */
  readonly before: string;
  /** The beginning of the text after it. */
  readonly after: string;
  readonly text: string;
  readonly itemId: string;
}

export interface CacheQuery {
  readonly uri: string;
  readonly offset: number;
  /** Text before the cursor; only its end is looked at. */
  readonly prefix: string;
  readonly suffix: string;
}

export interface CacheHit {
  readonly suggestion: CachedSuggestion;
  /** What is left to offer. */
  readonly text: string;
  /** Closing characters that the editor put after the cursor by itself and that `text` replaces. */
  readonly replaceAfter: string;
  /** How much of the suggestion was typed. */
  readonly typed: number;
}

export interface SuggestionCache {
  add(suggestion: CachedSuggestion): void;
  find(query: CacheQuery): CacheHit | undefined;
  forget(uri: string): void;
}

/** How much text on each side tells one place from another, in UTF-16 units. */
export const placeUnits = 160;
const ownLine = /^\r?\n[ \t]*/;
const autoClosed = /^[)\]}"'`>]{1,4}/;

/**
 * Suggestions that were shown. Typing through one, or going back into one with backspace, costs no model call: the
 * suggestion is found again at the place where it was made, as long as what was typed since agrees with it.
 */
export function createSuggestionCache(capacity = 64): SuggestionCache {
  let entries: CachedSuggestion[] = [];

  function match(entry: CachedSuggestion, query: CacheQuery): CacheHit | undefined {
    const typed = query.offset - entry.offset;
    if (entry.uri !== query.uri || typed < 0 || typed >= entry.text.length || typed > query.prefix.length)
      return undefined;
    const typedText = query.prefix.slice(query.prefix.length - typed);
    if (!entry.text.startsWith(typedText)) return undefined;
    if (!query.prefix.slice(0, query.prefix.length - typed).endsWith(entry.before)) return undefined;
    const rest = entry.text.slice(typed);
    const hit = { suggestion: entry, typed };
    if (query.suffix.startsWith(entry.after)) return { ...hit, text: rest, replaceAfter: '' };
    // Enter between brackets makes the editor give the closing one a line of its own.
    const own = typedText.includes('\n') ? ownLine.exec(query.suffix)?.[0] : undefined;
    if (own !== undefined && query.suffix.startsWith(entry.after, own.length)) {
      const text = rest.endsWith(own) ? rest.slice(0, -own.length) : rest;
      return text === '' ? undefined : { ...hit, text, replaceAfter: '' };
    }
    // Typing an opening bracket or quote makes the editor add the closing one.
    const closing = typed > 0 ? autoClosed.exec(query.suffix)?.[0] : undefined;
    if (closing === undefined) return undefined;
    for (let length = 1; length <= closing.length; length++) {
      const added = closing.slice(0, length);
      if (query.suffix.slice(length).startsWith(entry.after) && firstLine(rest).includes(added)) {
        return { ...hit, text: rest, replaceAfter: added };
      }
    }
    return undefined;
  }

  return {
    add(suggestion) {
      const trimmed = {
        ...suggestion,
        before: suggestion.before.slice(-placeUnits),
        after: suggestion.after.slice(0, placeUnits),
      };
      entries = [trimmed, ...entries.filter((entry) => entry.itemId !== suggestion.itemId)].slice(0, capacity);
    },
    find(query) {
      for (const entry of entries) {
        const hit = match(entry, query);
        if (hit !== undefined) return hit;
      }
      return undefined;
    },
    forget(uri) {
      entries = entries.filter((entry) => entry.uri !== uri);
    },
  };
}

function firstLine(value: string): string {
  const end = value.indexOf('\n');
  return end < 0 ? value : value.slice(0, end);
}
