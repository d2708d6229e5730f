import type { Signal } from '#protocol/signals.ts';
import {
  applyChanges,
  type Change,
  caret,
  type LiveOffer,
  type Offer,
  openOffer,
  type Piece,
  remaining,
} from './offer.ts';

/** What the editor tells, in the order in which it happens. */
export type Event =
  | { readonly kind: 'offered'; readonly offer: Offer }
  | {
      readonly kind: 'changed';
      readonly uri: string;
      readonly version: number;
      readonly cause: 'edit' | 'undo' | 'redo';
      readonly changes: readonly Change[];
    }
  /** The item's accept command ran. VS Code runs it after the change. */
  | { readonly kind: 'acceptCommand'; readonly itemId: string }
  /** One of our commands takes the next word or line now; `taken` follows when it is done. */
  | { readonly kind: 'taking'; readonly unit: Unit }
  | { readonly kind: 'taken' }
  | { readonly kind: 'escape' }
  /** The cursors are at these offsets now; selections are not cursors. */
  | { readonly kind: 'moved'; readonly uri: string; readonly cursors: readonly number[] }
  /** The editor shows another document, or none. */
  | { readonly kind: 'left'; readonly uri: string }
  /** A moment passed in which nothing happened. */
  | { readonly kind: 'quiet' };

export type Unit = 'word' | 'line';

interface Completing {
  readonly itemId: string;
  readonly uri: string;
  readonly version: number;
  readonly piece: Piece;
}

/** What came into the document from a suggestion, for as long as undo could take it out. */
interface Inserted {
  readonly itemId: string;
  readonly uri: string;
  readonly offset: number;
  readonly length: number;
}

export interface State {
  readonly live: LiveOffer | undefined;
  readonly version: number;
  /** The rest came in at once: the accept command tells whether it was accepted or typed. */
  readonly completing: Completing | undefined;
  readonly taking: Unit | undefined;
  readonly inserted: readonly Inserted[];
}

export const initialState: State = {
  live: undefined,
  version: 0,
  completing: undefined,
  taking: undefined,
  inserted: [],
};

const rememberedInsertions = 20;

export interface Step {
  readonly state: State;
  readonly signals: readonly Signal[];
}

/** A pure state machine from what happens in the editor to what the developer did with a suggestion. */
export function step(state: State, event: Event): Step {
  switch (event.kind) {
    case 'offered':
      return offered(settle(state), event.offer);
    case 'changed':
      return changed(settle(state), event);
    case 'acceptCommand':
      return accepted(state, event.itemId);
    case 'taking':
      return continueFrom(settle(state), (settled) => quietly({ ...settled, taking: event.unit }));
    case 'taken':
      return quietly({ ...state, taking: undefined });
    case 'escape':
      return continueFrom(settle(state), (settled) => reject(settled, 'escape', ''));
    case 'moved':
      return moved(state, event.uri, event.cursors);
    case 'left':
      return state.live?.uri === event.uri
        ? continueFrom(settle(state), (settled) => reject(settled, 'movedAway', ''))
        : settle(state);
    case 'quiet':
      return settle(state);
  }
}

function offered(before: Step, offer: Offer): Step {
  return continueFrom(before, (state) => {
    const live = openOffer(offer);
    if (remaining(live) === '') return quietly(state);
    const shown = state.live;
    if (shown?.itemId === live.itemId && shown.uri === live.uri && remaining(live).startsWith(remaining(shown)))
      return quietly({ ...state, live: grow(shown, live), version: offer.version });
    return {
      state: { ...state, live, version: offer.version },
      signals: [{ kind: 'shown', itemId: live.itemId, uri: live.uri, version: offer.version }],
    };
  });
}

/** The same item again: as it was offered first, with what the model wrote since. */
function grow(shown: LiveOffer, again: LiveOffer): LiveOffer {
  const more = remaining(again).slice(remaining(shown).length);
  return { ...shown, whole: shown.whole + more, insertText: shown.insertText + more };
}

function changed(before: Step, event: Event & { kind: 'changed' }): Step {
  return continueFrom(before, (state) => {
    const undone = event.cause === 'undo' ? undoneBy(state, event) : { state, signals: [] };
    const followed = { ...undone.state, inserted: follow(undone.state.inserted, event) };
    const next = followed.live?.uri === event.uri ? advance(followed, followed.live, event) : quietly(followed);
    return { state: next.state, signals: [...undone.signals, ...next.signals] };
  });
}

function advance(before: State, live: LiveOffer, event: Event & { kind: 'changed' }): Step {
  const effect = applyChanges(live, event.changes);
  const state = { ...before, version: event.version };
  if (event.cause !== 'edit') {
    return quietly(
      effect.kind === 'none' || effect.kind === 'returned'
        ? { ...state, live: effect.offer }
        : { ...state, live: undefined },
    );
  }
  switch (effect.kind) {
    case 'none':
    case 'returned':
      return quietly({ ...state, live: effect.offer });
    case 'contradicted':
      return reject(state, effect.text === '' ? 'movedAway' : 'typedInstead', effect.text);
    case 'advanced':
      return taken(state, effect.offer, effect.piece, effect.complete);
  }
}

/** A piece of the suggestion came in: by one of our commands, by accepting all of it, or by typing. */
function taken(before: State, live: LiveOffer, piece: Piece, complete: boolean): Step {
  const about = { itemId: live.itemId, uri: live.uri, version: before.version };
  const state = complete ? { ...before, live: undefined } : { ...before, live };
  const unit = before.taking ?? unmarkedUnit(piece, live);
  if (before.taking === undefined && complete) {
    return quietly({ ...state, completing: { ...about, piece } });
  }
  if (unit !== undefined) {
    return {
      state: remember(state, about, piece),
      signals: [{ kind: 'acceptedPart', ...about, unit, text: piece.text, offset: piece.offset }],
    };
  }
  return { state, signals: [{ kind: 'typedThrough', ...about, text: piece.text, offset: piece.offset }] };
}

/**
 * Other keybindings and the hover bar can take a word or a line without our knowing. They insert several characters at
 * once at the cursor; typing inserts one, a pair of brackets, or a line end with its indentation.
 */
function unmarkedUnit(piece: Piece, live: LiveOffer): Unit | undefined {
  if (
    !piece.inserted ||
    [...piece.text].length < 2 ||
    /^(?:\r?\n[ \t]*|[([{<]\s*[)\]}>]|(["'`])\1)$/.test(piece.text)
  ) {
    return undefined;
  }
  const next = remaining(live)[0];
  return piece.text.endsWith('\n') || next === '\n' || next === '\r' ? 'line' : 'word';
}

function accepted(state: State, itemId: string): Step {
  const { completing } = state;
  if (completing?.itemId === itemId) {
    const { uri, version, piece } = completing;
    return {
      state: remember({ ...state, completing: undefined }, completing, piece),
      signals: [{ kind: 'accepted', itemId, uri, version, text: piece.text }],
    };
  }
  const { live } = state;
  if (live?.itemId !== itemId || state.taking !== undefined) return quietly(state);
  // The change did not look like the offer, as when another extension's formatter took part in it.
  const text = live.insertText.slice(Math.max(live.taken - live.itemStart, 0));
  return {
    state: { ...state, live: undefined },
    signals: [{ kind: 'accepted', itemId, uri: live.uri, version: state.version, text }],
  };
}

function moved(state: State, uri: string, cursors: readonly number[]): Step {
  const { live } = state;
  if (live?.uri !== uri || cursors.some((cursor) => isAtCaret(live, cursor))) return quietly(state);
  return continueFrom(settle(state), (settled) => reject(settled, 'movedAway', ''));
}

/** The editor leaves the cursor before the brackets and quotes that it closes by itself. */
function isAtCaret(live: LiveOffer, cursor: number): boolean {
  const at = caret(live);
  return (
    cursor <= at && cursor >= live.start && /^[)\]}>"'`]*$/.test(live.whole.slice(cursor - live.start, live.taken))
  );
}

function reject(state: State, how: 'escape' | 'typedInstead' | 'movedAway', text: string): Step {
  const { live } = state;
  if (live === undefined) return quietly(state);
  return {
    state: { ...state, live: undefined },
    signals: [{ kind: 'rejected', itemId: live.itemId, uri: live.uri, version: state.version, how, text }],
  };
}

/** Without an accept command, what completed the suggestion was typing. */
function settle(state: State): Step {
  const { completing } = state;
  if (completing === undefined) return quietly(state);
  const { itemId, uri, version, piece } = completing;
  return {
    state: { ...state, completing: undefined },
    signals: [{ kind: 'typedThrough', itemId, uri, version, text: piece.text, offset: piece.offset }],
  };
}

function undoneBy(state: State, event: Event & { kind: 'changed' }): Step {
  const gone = state.inserted.filter(
    (insertion) => insertion.uri === event.uri && event.changes.some((change) => removes(change, insertion)),
  );
  const itemIds = [...new Set(gone.map((insertion) => insertion.itemId))];
  return {
    state: { ...state, inserted: state.inserted.filter((insertion) => !itemIds.includes(insertion.itemId)) },
    signals: itemIds.map((itemId) => ({ kind: 'undone', itemId, uri: event.uri, version: event.version })),
  };
}

function removes(change: Change, insertion: Inserted): boolean {
  const end = insertion.offset + insertion.length;
  return (
    change.offset <= insertion.offset && change.offset + change.length >= end && change.text.length < change.length
  );
}

/** Insertions move with edits before them; one that is edited inside can't be told from the developer's own text. */
function follow(inserted: readonly Inserted[], event: Event & { kind: 'changed' }): readonly Inserted[] {
  return inserted.flatMap((insertion) => {
    if (insertion.uri !== event.uri) return [insertion];
    const end = insertion.offset + insertion.length;
    const before = event.changes.filter((change) => change.offset + change.length <= insertion.offset);
    if (event.changes.some((change) => change.offset < end && change.offset + change.length > insertion.offset))
      return [];
    return [{ ...insertion, offset: before.reduce((sum, c) => sum + c.text.length - c.length, insertion.offset) }];
  });
}

function remember(state: State, about: { readonly itemId: string; readonly uri: string }, piece: Piece): State {
  const { itemId, uri } = about;
  const insertion = { itemId, uri, offset: piece.documentOffset, length: piece.documentLength };
  return { ...state, inserted: [...state.inserted, insertion].slice(-rememberedInsertions) };
}

function quietly(state: State): Step {
  return { state, signals: [] };
}

function continueFrom(before: Step, next: (state: State) => Step): Step {
  const after = next(before.state);
  return { state: after.state, signals: [...before.signals, ...after.signals] };
}
