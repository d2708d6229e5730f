import { type LogOutputChannel, window } from 'vscode';

/** The one output channel: what the extension did, and what the server tells it. Its level is set in VS Code. */
export function createOutput(): LogOutputChannel {
  return window.createOutputChannel('Argot', { log: true });
}
