import {
  type Disposable,
  EndOfLine,
  type InlineCompletionItem,
  type Position,
  Range,
  type TextDocument,
  TextDocumentChangeReason,
  window,
  workspace,
} from 'vscode';
import type { Signal } from '#protocol/signals.ts';
import type { Offer } from './offer.ts';
import { type Event, initialState, step } from './signals.ts';

/** Feeds the state machine with what happens in the editor. */
export interface Watch extends Disposable {
  /** The editor took this item from the provider. */
  offered(document: TextDocument, position: Position, item: InlineCompletionItem): void;
  tell(event: Event): void;
  /** Whether the item may still be on screen. */
  shows(itemId: string): boolean;
}

/** The accept command comes within milliseconds of its change. */
const quietAfterMs = 1000;

export function watchEditor(send: (signal: Signal) => void): Watch {
  let state = initialState;
  let timer: NodeJS.Timeout | undefined;
  let activeUri = window.activeTextEditor?.document.uri.toString();

  const tell = (event: Event): void => {
    const next = step(state, event);
    state = next.state;
    for (const signal of next.signals) send(signal);
    clearTimeout(timer);
    if (state.completing !== undefined) timer = setTimeout(() => tell({ kind: 'quiet' }), quietAfterMs);
  };

  const listeners = [
    workspace.onDidChangeTextDocument(({ document, contentChanges, reason }) => {
      if (contentChanges.length === 0) return;
      tell({
        kind: 'changed',
        uri: document.uri.toString(),
        version: document.version,
        cause: causeOf(reason),
        changes: contentChanges.map(({ rangeOffset, rangeLength, text }) => ({
          offset: rangeOffset,
          length: rangeLength,
          text,
        })),
      });
    }),
    window.onDidChangeTextEditorSelection(({ textEditor, selections }) => {
      if (textEditor !== window.activeTextEditor || state.live === undefined) return;
      const { document } = textEditor;
      const cursors = selections.filter((each) => each.isEmpty).map((each) => document.offsetAt(each.active));
      tell({ kind: 'moved', uri: document.uri.toString(), cursors });
    }),
    window.onDidChangeActiveTextEditor((editor) => {
      const uri = editor?.document.uri.toString();
      if (activeUri !== undefined && uri !== activeUri) tell({ kind: 'left', uri: activeUri });
      activeUri = uri;
    }),
  ];

  return {
    offered: (document, position, item) => {
      const offer = offerOf(document, position, item);
      if (offer !== undefined) tell({ kind: 'offered', offer });
    },
    tell,
    shows: (itemId) => state.live?.itemId === itemId,
    dispose: () => {
      clearTimeout(timer);
      for (const listener of listeners) listener.dispose();
    },
  };
}

function offerOf(document: TextDocument, position: Position, item: InlineCompletionItem): Offer | undefined {
  const itemId: unknown = item.command?.arguments?.[0];
  if (typeof itemId !== 'string' || typeof item.insertText !== 'string') return undefined;
  const range = item.range ?? new Range(position, position);
  const lineStart = range.start.with({ character: 0 });
  return {
    itemId,
    uri: document.uri.toString(),
    version: document.version,
    insertText: item.insertText,
    lineStart: document.offsetAt(lineStart),
    linePrefix: document.getText(new Range(lineStart, range.start)),
    covered: document.getText(range),
    cursor: document.offsetAt(position),
    lineEnd: document.eol === EndOfLine.CRLF ? '\r\n' : '\n',
  };
}

function causeOf(reason: TextDocumentChangeReason | undefined): 'edit' | 'undo' | 'redo' {
  if (reason === TextDocumentChangeReason.Undo) return 'undo';
  return reason === TextDocumentChangeReason.Redo ? 'redo' : 'edit';
}
