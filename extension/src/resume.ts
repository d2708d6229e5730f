import { commands, type Disposable, window, workspace } from 'vscode';
import type { Server } from './server.ts';

/** A developer who has not typed for longer than this has no suggestion to miss. */
const recentMs = 30_000;

/** After the server was lost and came back, asks for the suggestion that the developer was waiting for. */
export function resumeSuggestions(server: Server): Disposable {
  let lostAt: number | undefined;
  let editedAt = 0;
  const listeners = [
    workspace.onDidChangeTextDocument(({ document }) => {
      if (document === window.activeTextEditor?.document) editedAt = Date.now();
    }),
    server.onDidChange(() => {
      const link = server.link();
      if (link.kind === 'lost') lostAt ??= Date.now();
      const state = server.status()?.state;
      if (lostAt === undefined || link.kind !== 'connected' || state === undefined || state === 'loading') return;
      const missed = editedAt > lostAt - recentMs;
      lostAt = undefined;
      if (missed && window.state.focused) void commands.executeCommand('editor.action.inlineSuggest.trigger');
    }),
  ];
  return {
    dispose: () => {
      for (const listener of listeners) listener.dispose();
    },
  };
}
