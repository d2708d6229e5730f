import { commands, type Disposable, window, workspace } from 'vscode';
import type { Server } from './server.ts';

/** A developer who has not typed for longer than this has no suggestion to miss. */
const recentMs = 30_000;

/**
 * Asks for the suggestion that the developer was waiting for when Argot becomes ready: the editor asks by itself only at
 * the next keystroke, and what was typed while the server was lost or the model was loading got no answer.
 */
export function resumeSuggestions(server: Server): Disposable {
  let wasReady = false;
  // Who typed before the extension ran, in a window that has just been opened, waits as well.
  const typedBefore = (window.activeTextEditor?.document.version ?? 1) > 1;
  let editedAt = typedBefore ? Date.now() : 0;
  const listeners = [
    workspace.onDidChangeTextDocument(({ document }) => {
      if (document === window.activeTextEditor?.document) editedAt = Date.now();
    }),
    server.onDidChange(() => {
      const isReady = server.link().kind === 'connected' && canSuggest(server);
      const missed = isReady && !wasReady && editedAt > Date.now() - recentMs;
      wasReady = isReady;
      if (missed && window.state.focused) void commands.executeCommand('editor.action.inlineSuggest.trigger');
    }),
  ];
  return {
    dispose: () => {
      for (const listener of listeners) listener.dispose();
    },
  };
}

function canSuggest(server: Server): boolean {
  const state = server.status()?.state;
  return state === 'ready' || state === 'busy';
}
