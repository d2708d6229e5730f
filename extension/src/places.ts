import { type Disposable, TabInputNotebook, TabInputText, type TextEditor, type Uri, window, workspace } from 'vscode';
import { cursorNotification, openTabsNotification } from '#protocol/documents.ts';
import { enablementOf, isOnForUri } from './enablement.ts';
import type { Server } from './server.ts';

const restMs = 100;
const maxTabs = 100;

/** Tells the server where the cursor rests and which documents have tabs, so that it can prepare. */
export function tellPlaces(server: Server, isSnoozed: () => boolean): Disposable {
  const recent: string[] = [];
  let cursorTimer: NodeJS.Timeout | undefined;
  let tabsTimer: NodeJS.Timeout | undefined;
  let lastTabs = '';

  const restSoon = (editor: TextEditor): void => {
    clearTimeout(cursorTimer);
    cursorTimer = setTimeout(() => {
      if (editor !== window.activeTextEditor || isSnoozed() || !enablementOf(editor.document).enabled) return;
      const { line, character } = editor.selection.active;
      const { uri, version } = editor.document;
      server.notify(cursorNotification, { uri: uri.toString(), version, line, character });
    }, restMs);
  };
  const sendTabs = (): void => {
    const uris = openUris()
      .sort((a, b) => rank(recent, a) - rank(recent, b))
      .slice(0, maxTabs);
    if (uris.join('\n') === lastTabs) return;
    lastTabs = uris.join('\n');
    server.notify(openTabsNotification, { uris });
  };
  const tabsSoon = (): void => {
    clearTimeout(tabsTimer);
    tabsTimer = setTimeout(sendTabs, restMs);
  };
  const activated = (editor: TextEditor | undefined): void => {
    if (editor === undefined) return;
    const uri = editor.document.uri.toString();
    recent.splice(0, recent.length, uri, ...recent.filter((each) => each !== uri).slice(0, maxTabs));
    restSoon(editor);
    tabsSoon();
  };

  activated(window.activeTextEditor);
  const listeners = [
    window.onDidChangeTextEditorSelection(({ textEditor }) => restSoon(textEditor)),
    // An edit asks for a suggestion itself, and that prepares the model better than we could.
    workspace.onDidChangeTextDocument(({ document }) => {
      if (document === window.activeTextEditor?.document) clearTimeout(cursorTimer);
    }),
    window.onDidChangeActiveTextEditor(activated),
    window.tabGroups.onDidChangeTabs(tabsSoon),
    server.onDidChange(() => {
      // A server that has just started knows nothing yet.
      if (server.link().kind !== 'connected') lastTabs = '';
      else if (lastTabs === '') tabsSoon();
    }),
  ];
  return {
    dispose: () => {
      clearTimeout(cursorTimer);
      clearTimeout(tabsTimer);
      for (const listener of listeners) listener.dispose();
    },
  };
}

function openUris(): string[] {
  const uris = window.tabGroups.all
    .flatMap((group) => group.tabs)
    .flatMap(({ input }) => (input instanceof TabInputText || input instanceof TabInputNotebook ? [input.uri] : []))
    .filter((uri: Uri) => isOnForUri(uri));
  return [...new Set(uris.map((uri) => uri.toString()))];
}

function rank(recent: readonly string[], uri: string): number {
  const index = recent.indexOf(uri);
  return index < 0 ? recent.length : index;
}
