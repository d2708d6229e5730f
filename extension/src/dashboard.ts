import {
  CancellationTokenSource,
  commands,
  type Disposable,
  Uri,
  ViewColumn,
  type Webview,
  type WebviewPanel,
  window,
} from 'vscode';
import { dashboardRequest } from '#protocol/dashboard.ts';
import { reasonText } from '#protocol/trace.ts';
import { type FromPage, pageCommands, type ToPage } from '../../webview/src/messages.ts';
import type { Server } from './server.ts';

/** “Argot: Show Dashboard”: one panel, which follows what changes while it is seen. */
export interface Dashboard extends Disposable {
  show(): void;
}

const refreshEveryMs = 5000;

export function createDashboard(server: Server, extension: Uri): Dashboard {
  const media = Uri.joinPath(extension, 'dist', 'webview');
  let panel: WebviewPanel | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function refresh(): Promise<void> {
    const target = panel;
    if (target === undefined || !target.visible) return;
    await target.webview.postMessage(await content());
  }

  async function content(): Promise<ToPage> {
    try {
      const view = await server.request(dashboardRequest, null, new CancellationTokenSource().token);
      return view === undefined ? { kind: 'problem', message: reasonText.serverDown } : { kind: 'view', view };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return {
        kind: 'problem',
        message: `The figures could not be had: ${why}. “Argot: Show Output” has the details.`,
      };
    }
  }

  function receive(message: FromPage): void {
    if (message.kind === 'ready') void refresh();
    const command = message.kind === 'run' && pageCommands.find((known) => known === message.command);
    if (command) void commands.executeCommand(command);
  }

  function open(): WebviewPanel {
    const made = window.createWebviewPanel('argot.dashboard', 'Argot', ViewColumn.Active, {
      enableScripts: true,
      localResourceRoots: [media],
      retainContextWhenHidden: false,
    });
    made.iconPath = Uri.joinPath(extension, 'media', 'icon.svg');
    made.webview.onDidReceiveMessage(receive);
    made.onDidChangeViewState(() => void refresh());
    made.onDidDispose(() => {
      panel = undefined;
      clearInterval(timer);
    });
    made.webview.html = page(made.webview, media);
    timer = setInterval(() => void refresh(), refreshEveryMs);
    return made;
  }

  const follows = [server.onDidChangePolicy(() => void refresh()), server.onDidChange(() => void refresh())];
  return {
    show() {
      if (panel === undefined) panel = open();
      else panel.reveal();
    },
    dispose() {
      clearInterval(timer);
      for (const each of follows) each.dispose();
      panel?.dispose();
    },
  };
}

function page(webview: Webview, media: Uri): string {
  const file = (name: string): string => webview.asWebviewUri(Uri.joinPath(media, name)).toString();
  const policy = `default-src 'none'; script-src ${webview.cspSource}; style-src ${webview.cspSource}; font-src ${webview.cspSource}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Argot</title>
<link rel="stylesheet" href="${file('dashboard.css')}">
</head>
<body>
<h1>Argot</h1>
<p class="lead">What it does for you, what it has learned, and what has left this machine. All of it is kept on this machine.</p>
<main></main>
<script type="module" src="${file('dashboard.js')}"></script>
</body>
</html>`;
}
