import { commands, type Disposable, type TextDocument, window, workspace } from 'vscode';
import type { Server } from './server.ts';

/** A developer who has not typed for longer than this has no suggestion to miss. */
const recentMs = 30_000;

/** So long after providers of suggestions come and go, as at a window's start, the editor may lose what one of them said. */
const settlingMs = 5000;
/** So long after an answer the next key would have come, or the suggestion been seen. */
const quietMs = 500;

export interface Resumption extends Disposable {
  /** A request of the editor for a document at this version has ended. */
  ended(document: TextDocument, version: number): void;
  /** The developer wants no suggestion for the text as it is. */
  dismissed(): void;
}

/**
 * Asks for the suggestion that the developer was waiting for when Argot becomes ready: the editor asks by itself only at
 * the next keystroke, and what was typed while the server was lost or the model was loading got no answer.
 */
export function resumeSuggestions(server: Server): Resumption {
  let readyAt: number | undefined;
  // Who typed before the extension ran, in a window that has just been opened, waits as well.
  const typedBefore = (window.activeTextEditor?.document.version ?? 1) > 1;
  let editedAt = typedBefore ? Date.now() : 0;
  let askedAgain: Text | undefined;

  function ask(): void {
    if (window.state.focused) void commands.executeCommand('editor.action.inlineSuggest.trigger');
  }

  const listeners = [
    workspace.onDidChangeTextDocument(({ document }) => {
      if (document === window.activeTextEditor?.document) editedAt = Date.now();
    }),
    server.onDidChange(() => {
      const isReady = server.link().kind === 'connected' && canSuggest(server);
      if (isReady === (readyAt !== undefined)) return;
      readyAt = isReady ? Date.now() : undefined;
      if (isReady && editedAt > Date.now() - recentMs) ask();
    }),
  ];
  return {
    ended(document, version) {
      if (readyAt === undefined || Date.now() > readyAt + settlingMs) return;
      const asked = { document, version };
      setTimeout(() => {
        // Once for each text; where the suggestion is shown already, it stays.
        if (!isSame(asked, shownText()) || isSame(asked, askedAgain)) return;
        askedAgain = asked;
        ask();
      }, quietMs);
    },
    dismissed() {
      askedAgain = shownText();
    },
    dispose: () => {
      for (const listener of listeners) listener.dispose();
    },
  };
}

/** A document as it was at one time: versions of different documents may be equal. */
interface Text {
  readonly document: TextDocument;
  readonly version: number;
}

function shownText(): Text | undefined {
  const document = window.activeTextEditor?.document;
  return document && { document, version: document.version };
}

function isSame(a: Text, b: Text | undefined): boolean {
  return a.document === b?.document && a.version === b.version;
}

function canSuggest(server: Server): boolean {
  const state = server.status()?.state;
  return state === 'ready' || state === 'busy';
}
