import { CancellationTokenSource, commands, type Disposable, EventEmitter, Uri, window, workspace } from 'vscode';
import { lastTraceRequest, type Trace } from '#protocol/trace.ts';
import { enablementOf } from './enablement.ts';
import { localReason, traceReason } from './explain.ts';
import { snoozeText } from './presentation.ts';
import type { Server } from './server.ts';
import type { Snooze } from './snooze.ts';
import { traceDocument } from './traceDocument.ts';

const scheme = 'argot';
const lastCompletion = Uri.from({ scheme, path: 'Last Completion.md' });

/** The two commands that look into the last request. */
export interface Inspect extends Disposable {
  whyNoSuggestion(): Promise<void>;
  showLastCompletion(): Promise<void>;
}

export function createInspect(server: Server, snooze: Snooze): Inspect {
  const changed = new EventEmitter<Uri>();
  let content = traceDocument(undefined);
  const provider = workspace.registerTextDocumentContentProvider(scheme, {
    onDidChange: changed.event,
    provideTextDocumentContent: () => content,
  });

  const lastTrace = async (): Promise<Trace | null | undefined> => {
    const uri = window.activeTextEditor?.document.uri;
    const params = uri === undefined || uri.scheme === scheme ? {} : { uri: uri.toString() };
    return server.request(lastTraceRequest, params, new CancellationTokenSource().token);
  };

  return {
    async whyNoSuggestion() {
      const text = localReason(knowledge(server, snooze)) ?? traceReason(await lastTrace());
      const button = await window.showInformationMessage(`Argot: ${text}`, 'Show Last Completion', 'Open Settings');
      if (button === 'Show Last Completion') await commands.executeCommand('argot.showLastCompletion');
      if (button === 'Open Settings') await commands.executeCommand('argot.openSettings');
    },
    async showLastCompletion() {
      content = traceDocument(await lastTrace());
      changed.fire(lastCompletion);
      const document = await workspace.openTextDocument(lastCompletion);
      await window.showTextDocument(document, { preview: true });
    },
    dispose: () => {
      provider.dispose();
      changed.dispose();
    },
  };
}

function knowledge(server: Server, snooze: Snooze) {
  const document = window.activeTextEditor?.document;
  const enablement = document && enablementOf(document);
  const until = snooze.until();
  const status = server.status();
  return {
    off: enablement?.enabled === false ? enablement.reason : undefined,
    snooze: until === undefined ? undefined : snoozeText(until),
    connected: server.link().kind === 'connected',
    problem: status?.state === 'problem' ? status.problem?.message : undefined,
  };
}
