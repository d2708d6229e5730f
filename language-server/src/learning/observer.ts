import type { Signal } from '#protocol/signals.ts';
import type { ExampleKind } from './example.ts';
import { type Edit, follow, type TrackedRange } from './trackedRange.ts';

/** What a suggestion became, once it is known: the text is in the document, at this place. */
export interface Settled {
  readonly kind: Exclude<ExampleKind, 'ownHistory'>;
  readonly uri: string;
  readonly start: number;
  readonly end: number;
}

export interface ObserverDeps {
  /** The document's text now; undefined where it is not open. */
  readonly text: (uri: string) => string | undefined;
  /** Its version now. */
  readonly version: (uri: string) => number | undefined;
  readonly settled: (settled: Settled) => void;
  /** Calls back once after this many milliseconds, unless the returned function is called before. */
  readonly after: (ms: number, callback: () => void) => () => void;
  /** When the text is looked at, in milliseconds after the suggestion was taken. */
  readonly checksMs: readonly number[];
}

/** Follows in one window what becomes of suggestions. Each call costs microseconds; looking at the text comes later. */
export interface Observer {
  edited(uri: string, edits: readonly Edit[], version: number): void;
  signal(signal: Signal): void;
  /** Before the document is gone: what is open in it is settled as it stands. */
  closing(uri: string): void;
  /** Forgets what is open, as when learning is switched off. */
  forget(): void;
}

/** After 15, 30, 120, 300 and 600 s. */
export const usualChecksMs: readonly number[] = [15_000, 30_000, 120_000, 300_000, 600_000];

interface Item {
  readonly itemId: string;
  readonly uri: string;
  kind: Settled['kind'];
  range: TrackedRange;
  /** What came in; the developer's change of it is a correction. */
  inserted: string;
  /** What stood there at the last check. */
  seen: string | undefined;
  cancel: () => void;
}

const rememberedEdits = 32;
/** So many suggestions are followed at once; the oldest is settled early. */
const followedAtMost = 100;
/** What is typed instead of a suggestion is followed this far. */
const longestTyped = 600;

export function createObserver(deps: ObserverDeps): Observer {
  const items = new Map<string, Item>();
  /** Signals whose edit has not come yet: the editor may tell them first. */
  let early: readonly Signal[] = [];
  const recent: { readonly uri: string; readonly version: number; readonly start: number; readonly text: string }[] =
    [];

  function edited(uri: string, edits: readonly Edit[], version: number): void {
    for (const edit of edits) {
      for (const item of items.values()) if (item.uri === uri) item.range = bounded(follow(item.range, edit));
      recent.push({ uri, version, start: edit.offset, text: edit.text });
    }
    if (recent.length > rememberedEdits) recent.splice(0, recent.length - rememberedEdits);
    const due = early.filter((signal) => signal.uri === uri && signal.version <= version);
    if (due.length === 0) return;
    early = early.filter((signal) => !due.includes(signal));
    for (const signal of due) observe(signal);
  }

  /** The edit that a signal tells of: of several cursors the first. */
  function editOf(signal: { readonly uri: string; readonly version: number }) {
    return recent.find((edit) => edit.uri === signal.uri && edit.version === signal.version);
  }

  function begin(signal: Signal, kind: Settled['kind'], range: TrackedRange, inserted: string): void {
    const known = items.get(signal.itemId);
    known?.cancel();
    items.delete(signal.itemId);
    const start = known === undefined ? range.start : Math.min(known.range.start, range.start);
    const end = known === undefined ? range.end : Math.max(known.range.end, range.end);
    const item: Item = {
      itemId: signal.itemId,
      uri: signal.uri,
      kind,
      range: { ...range, start, end },
      inserted: (known?.inserted ?? '') + inserted,
      seen: undefined,
      cancel: () => undefined,
    };
    items.set(item.itemId, item);
    schedule(item, 0, 0);
    const [oldest] = items.values();
    if (oldest !== undefined && items.size > followedAtMost) settle(oldest);
  }

  function schedule(item: Item, check: number, passedMs: number): void {
    const atMs = deps.checksMs[check];
    if (atMs === undefined) {
      settle(item);
      return;
    }
    item.cancel = deps.after(atMs - passedMs, () => {
      const text = spanOf(item);
      // What was changed and then left alone is as the developer wants it.
      const isDone = text === undefined || (isChanged(item, text) && text === item.seen);
      item.seen = text;
      if (isDone) settle(item);
      else schedule(item, check + 1, atMs);
    });
  }

  function spanOf({ uri, range }: Item): string | undefined {
    return deps.text(uri)?.slice(range.start, range.end);
  }

  function settle(item: Item): void {
    item.cancel();
    items.delete(item.itemId);
    const text = spanOf(item);
    if (text === undefined) return;
    const isCorrected = (item.kind === 'accepted' || item.kind === 'partial') && isChanged(item, text);
    const { uri, range } = item;
    deps.settled({ kind: isCorrected ? 'corrected' : item.kind, uri, start: range.start, end: range.end });
  }

  function observe(signal: Signal): void {
    switch (signal.kind) {
      case 'accepted':
      case 'acceptedPart': {
        const edit = editOf(signal);
        if (edit === undefined) return;
        const kind = signal.kind === 'accepted' ? 'accepted' : 'partial';
        // The editor may have replaced what stood before as well: what came in is at the end of the edit.
        const text = signal.text !== '' && edit.text.endsWith(signal.text) ? signal.text : edit.text;
        const end = edit.start + edit.text.length;
        begin(signal, kind, { start: end - text.length, end, growing: false }, text);
        return;
      }
      case 'rejected': {
        if (signal.how !== 'typedInstead') return;
        const edit = editOf(signal);
        if (edit === undefined) return;
        const range = { start: edit.start, end: edit.start + edit.text.length, growing: true };
        begin(signal, 'typedInstead', range, edit.text);
        return;
      }
      case 'undone': {
        const known = items.get(signal.itemId);
        if (known !== undefined) begin(signal, 'undone', { ...known.range, growing: true }, '');
        return;
      }
      default:
        return;
    }
  }

  return {
    edited,
    signal(signal) {
      const version = deps.version(signal.uri);
      if (version === undefined || signal.version <= version) observe(signal);
      else early = [...early, signal].slice(-rememberedEdits);
    },
    closing(uri) {
      for (const item of [...items.values()]) if (item.uri === uri) settle(item);
    },
    forget() {
      for (const item of items.values()) item.cancel();
      items.clear();
      early = [];
    },
  };
}

/** Formatters change blanks: that corrects nothing. */
function isChanged(item: Item, text: string): boolean {
  return text.replace(/\s+/g, '') !== item.inserted.replace(/\s+/g, '');
}

function bounded(range: TrackedRange): TrackedRange {
  return range.growing && range.end - range.start > longestTyped ? { ...range, growing: false } : range;
}
