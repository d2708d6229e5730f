import {
  type CancellationToken,
  CancellationTokenSource,
  ConfigurationTarget,
  commands,
  ProgressLocation,
  type QuickPickItem,
  QuickPickItemKind,
  Uri,
  window,
  workspace,
} from 'vscode';
import {
  downloadModelRequest,
  importModelRequest,
  listModelsRequest,
  type ModelChoice,
  type ModelOutcome,
  useModelRequest,
} from '#protocol/models.ts';
import { reasonText } from '#protocol/trace.ts';
import { consentText, modelItem, progressText, smallest } from './modelItems.ts';
import type { Server } from './server.ts';

type Row = QuickPickItem & { readonly run?: () => Promise<void> };

/** “Argot: Choose Model”. */
export async function chooseModel(server: Server): Promise<void> {
  const choices = await listModels(server);
  if (choices === undefined) return;
  const rows: Row[] = [
    ...choices.map((choice) => ({ ...modelItem(choice), run: () => take(server, choice) })),
    { label: 'Files', kind: QuickPickItemKind.Separator },
    {
      label: '$(file-add) Import a model file…',
      detail: 'Copies a GGUF file into Argot’s folder, verified; no network is used.',
      run: () => importFile(server),
    },
    {
      label: '$(file-symlink-file) Use a model file where it is…',
      detail: 'Names a GGUF file by its path, such as one on a shared disk.',
      run: () => useFile(server),
    },
  ];
  const picked = await window.showQuickPick(rows, {
    title: 'Argot: Choose Model',
    placeHolder: 'A model that completes your code on this machine',
    matchOnDescription: true,
    matchOnDetail: true,
  });
  await picked?.run?.();
}

/** The remedy for “no model”: one question, one download. */
export async function downloadDefaultModel(server: Server): Promise<void> {
  const choices = await listModels(server);
  const choice = choices && smallest(choices);
  if (choice !== undefined) await take(server, choice);
}

async function listModels(server: Server): Promise<readonly ModelChoice[] | undefined> {
  const choices = await server.request(listModelsRequest, null, new CancellationTokenSource().token);
  if (choices === undefined) void window.showWarningMessage(`Argot: ${reasonText.serverDown}`);
  return choices;
}

async function take(server: Server, choice: ModelChoice): Promise<void> {
  if (!choice.installed && !(await download(server, choice))) return;
  await use(server, choice.id, choice.name);
}

async function download(server: Server, choice: ModelChoice): Promise<boolean> {
  const endpoint = workspace.getConfiguration('argot').get<string>('hubEndpoint', '');
  const consent = await window.showInformationMessage(consentText(choice, endpoint), { modal: true }, 'Download');
  if (consent !== 'Download') return false;
  const title = `Argot: ${choice.name}`;
  const outcome = await window.withProgress(
    { location: ProgressLocation.Notification, title, cancellable: true },
    async (progress, token) => {
      let shown = 0;
      const listener = server.onDownloadProgress((step) => {
        if (step.id !== choice.id) return;
        const percent = step.totalBytes > 0 ? (100 * step.receivedBytes) / step.totalBytes : 0;
        progress.report({ message: progressText(step), increment: Math.max(0, percent - shown) });
        shown = Math.max(shown, percent);
      });
      try {
        return await ask(() => server.request(downloadModelRequest, { id: choice.id }, token));
      } finally {
        listener.dispose();
      }
    },
  );
  return succeeded(outcome);
}

async function importFile(server: Server): Promise<void> {
  const path = await pickFile('Import');
  if (path === undefined) return;
  const outcome = await working(`Argot: copying ${path}`, (token) =>
    ask(() => server.request(importModelRequest, { path }, token)),
  );
  if (succeeded(outcome)) await use(server, outcome.id, path);
}

async function useFile(server: Server): Promise<void> {
  const path = await pickFile('Use');
  if (path !== undefined) await use(server, path, path);
}

/** Loads first and writes the setting only when that worked: the last good model stays in use otherwise. */
async function use(server: Server, id: string, name: string): Promise<void> {
  const outcome = await working(`Argot: loading ${name}`, (token) =>
    ask(() => server.request(useModelRequest, { id }, token)),
  );
  if (!succeeded(outcome)) return;
  await workspace.getConfiguration('argot').update('model', outcome.id, ConfigurationTarget.Global);
}

type Succeeded = ModelOutcome & { readonly ok: true };

/** Says what to do about a failure; a cancelled operation needs no words. */
function succeeded(outcome: ModelOutcome): outcome is Succeeded {
  if (outcome.ok) return true;
  if (!outcome.cancelled) {
    const buttons = outcome.field === undefined ? ['Choose Model', 'Show Output'] : ['Show Effective Policy'];
    void window.showErrorMessage(outcome.message, ...buttons).then((button) => {
      if (button === 'Show Effective Policy') void commands.executeCommand('argot.showPolicy');
      if (button === 'Choose Model') void commands.executeCommand('argot.chooseModel');
      if (button === 'Show Output') void commands.executeCommand('argot.showOutput');
    });
  }
  return false;
}

async function ask(request: () => Promise<ModelOutcome | undefined>): Promise<ModelOutcome> {
  try {
    return (await request()) ?? { ok: false, cancelled: false, message: `Argot: ${reasonText.serverDown}` };
  } catch (error) {
    return { ok: false, cancelled: false, message: `Argot: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function working<T>(title: string, task: (token: CancellationToken) => Promise<T>): Thenable<T> {
  const options = { location: ProgressLocation.Notification, title, cancellable: true };
  return window.withProgress(options, (_, token) => task(token));
}

async function pickFile(openLabel: string): Promise<string | undefined> {
  const folder = workspace.workspaceFolders?.[0]?.uri;
  const files = await window.showOpenDialog({
    title: 'Argot: a model file',
    openLabel,
    filters: { 'GGUF models': ['gguf'] },
    ...(folder?.scheme === 'file' ? { defaultUri: Uri.joinPath(folder) } : {}),
  });
  return files?.[0]?.fsPath;
}
