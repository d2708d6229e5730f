/** What one edit replaced, in UTF-16 units of the document before the edit. */
export interface Change {
  readonly offset: number;
  readonly length: number;
  readonly text: string;
}

/** An item as it was handed to the editor. All texts have the document's line ends. */
export interface Offer {
  readonly itemId: string;
  readonly uri: string;
  readonly version: number;
  /** The item's own text, as the server sent it. */
  readonly insertText: string;
  /** Where the line begins on which the item's range begins. */
  readonly lineStart: number;
  /** From the line's start to the range's start. */
  readonly linePrefix: string;
  /** What the item's range holds now; the suggestion replaces it. */
  readonly covered: string;
  readonly cursor: number;
  readonly lineEnd: '\n' | '\r\n';
}

/**
 * An offer that may still be on screen. Its region of the document begins at the line's start, because a word that
 * VS Code's suggest widget inserts replaces what was typed of it, before the cursor.
 */
export interface LiveOffer {
  readonly itemId: string;
  readonly uri: string;
  readonly start: number;
  /** What the region becomes when everything is taken. */
  readonly whole: string;
  readonly region: string;
  /** Units of `whole` that are in the document before the cursor. */
  readonly taken: number;
  /** `taken` when it was offered: what is deleted below this makes it another suggestion. */
  readonly initial: number;
  /** Where the item's own text begins in `whole`. */
  readonly itemStart: number;
  readonly insertText: string;
}

export function openOffer(offer: Offer): LiveOffer {
  const itemText = offer.insertText.replace(/\r?\n/g, offer.lineEnd);
  const whole = offer.linePrefix + itemText;
  const region = offer.linePrefix + offer.covered;
  const taken = Math.min(offer.cursor - offer.lineStart, commonPrefix(whole, region));
  return {
    itemId: offer.itemId,
    uri: offer.uri,
    start: offer.lineStart,
    whole,
    region,
    taken,
    initial: taken,
    itemStart: offer.linePrefix.length,
    insertText: offer.insertText,
  };
}

export function caret(offer: LiveOffer): number {
  return offer.start + offer.taken;
}

/** The text still to be taken, as the editor shows it. */
export function remaining(offer: LiveOffer): string {
  return offer.whole.slice(offer.taken);
}

/** What an edit means for an offer. */
export type Effect =
  /** Elsewhere; the offer may have moved. */
  | { readonly kind: 'none'; readonly offer: LiveOffer }
  /** The next piece of the suggestion is in the document now; `complete` when nothing is left. */
  | { readonly kind: 'advanced'; readonly offer: LiveOffer; readonly piece: Piece; readonly complete: boolean }
  /** A part of what was taken was deleted again. */
  | { readonly kind: 'returned'; readonly offer: LiveOffer }
  /** The document says something else now; `text` is what was put in instead. */
  | { readonly kind: 'contradicted'; readonly text: string };

export interface Piece {
  /** With the line ends of the item's own text, so that it is a part of it. */
  readonly text: string;
  /** Where it begins in the item's own text. */
  readonly offset: number;
  /** Whether the edit only inserted, and at the cursor. */
  readonly inserted: boolean;
  /** Where it stands in the document. */
  readonly documentOffset: number;
  readonly documentLength: number;
}

export function applyChanges(offer: LiveOffer, changes: readonly Change[]): Effect {
  const inside = changes.filter((change) => touches(offer, change));
  const before = changes.filter((change) => !touches(offer, change) && change.offset + change.length <= offer.start);
  const start = before.reduce((sum, change) => sum + change.text.length - change.length, offer.start);
  const moved = { ...offer, start };
  if (inside.length === 0) return { kind: 'none', offer: moved };
  const escapes = inside.some(
    (change) => change.offset < offer.start || change.offset + change.length > offer.start + offer.region.length,
  );
  if (escapes) return { kind: 'contradicted', text: inside.map((change) => change.text).join('') };
  const region = inside
    .toSorted((a, b) => b.offset - a.offset)
    .reduce((text, change) => {
      const at = change.offset - offer.start;
      return text.slice(0, at) + change.text + text.slice(at + change.length);
    }, offer.region);
  const inserted = inside.every((change) => change.length === 0 && change.offset === caret(offer));
  if (region === offer.region) return overtype(moved, inside, caret(offer));
  return compare(moved, region, inserted);
}

function compare(offer: LiveOffer, region: string, inserted: boolean): Effect {
  const suffix = offer.region.slice(offer.taken);
  const fits = Math.min(commonPrefix(offer.whole, region), maxTaken(offer, region, suffix));
  const rest = region.slice(fits);
  if (fits > offer.taken && isRest(rest, suffix)) {
    const complete = fits === offer.whole.length;
    const piece = pieceOf(offer, fits, inserted);
    return { kind: 'advanced', offer: { ...offer, region, taken: fits }, piece, complete };
  }
  if (fits < offer.taken && fits >= offer.initial && rest === suffix) {
    return { kind: 'returned', offer: { ...offer, region, taken: fits } };
  }
  const tail = commonSuffix(region.slice(Math.min(fits, offer.taken)), suffix);
  return { kind: 'contradicted', text: region.slice(Math.min(fits, offer.taken), region.length - tail) };
}

/** Typing over a bracket that the editor closed by itself changes nothing but where the cursor is. */
function overtype(offer: LiveOffer, inside: readonly Change[], at: number): Effect {
  const typed = inside.find((change) => change.offset === at && change.length === change.text.length)?.text ?? '';
  if (typed === '' || !offer.whole.startsWith(typed, offer.taken)) return { kind: 'none', offer };
  const fits = offer.taken + typed.length;
  const complete = fits === offer.whole.length;
  return { kind: 'advanced', offer: { ...offer, taken: fits }, piece: pieceOf(offer, fits, false), complete };
}

/** A suffix that equals the suggestion's end must not count as taken: `)` of `f(|)` and of the suggestion `x)`. */
function maxTaken(offer: LiveOffer, region: string, suffix: string): number {
  return region === offer.whole || suffix === '' ? region.length : Math.max(region.length - suffix.length, 0);
}

/** What may follow the taken part: the old suffix, with brackets and quotes that the editor closed by itself. */
function isRest(rest: string, suffix: string): boolean {
  if (rest === suffix || (suffix !== '' && suffix.endsWith(rest))) return true;
  return rest.endsWith(suffix) && /^[)\]}>"'`\s]*$/.test(rest.slice(0, rest.length - suffix.length));
}

function pieceOf(offer: LiveOffer, fits: number, inserted: boolean): Piece {
  const from = Math.max(offer.taken, offer.itemStart);
  const keepsLineEnds = offer.insertText === offer.whole.slice(offer.itemStart);
  const own = (text: string): string => (keepsLineEnds ? text : text.replaceAll('\r\n', '\n'));
  return {
    text: own(offer.whole.slice(from, fits)),
    offset: own(offer.whole.slice(offer.itemStart, from)).length,
    inserted,
    documentOffset: caret(offer),
    documentLength: fits - offer.taken,
  };
}

/** At the cursor or inside the region; an insertion at its very start, before the cursor, is before it. */
function touches(offer: LiveOffer, change: Change): boolean {
  const end = change.offset + change.length;
  const at = caret(offer);
  if (change.offset <= at && at <= end) return true;
  return change.offset < offer.start + offer.region.length && end > offer.start;
}

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

function commonSuffix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[a.length - 1 - length] === b[b.length - 1 - length]) length++;
  return length;
}
