import { type CancellationToken, ProgressLocation, window, workspace } from 'vscode';
import { type HistoryPreview, learnHistoryRequest, previewHistoryRequest } from '#protocol/learning.ts';
import { reasonText } from '#protocol/trace.ts';
import type { Server } from './server.ts';

/** “Argot: Learn From My History”: for one folder, after the developer saw what would be used. */
export async function learnFromHistory(server: Server): Promise<void> {
  const folders = workspace.workspaceFolders ?? [];
  const [only] = folders;
  const folder = folders.length > 1 ? await window.showWorkspaceFolderPick() : only;
  if (folder === undefined) {
    if (only === undefined) await window.showInformationMessage('Argot: open a folder first; its git history is used.');
    return;
  }
  const params = { folder: folder.uri.toString() };
  const looked = await busy(`Argot: Looking through your commits in ${folder.name}`, (token) =>
    server.request(previewHistoryRequest, params, token),
  );
  if (looked === undefined || !looked.ok) return tell(looked?.message);
  const { preview } = looked;
  if (preview.examples === 0)
    return tell(`No lines of ${preview.email} were found in ${folder.name} that can be used.`);
  const detail = previewText(preview);
  const question = `Learn from your own lines in ${folder.name}?`;
  if ((await window.showInformationMessage(question, { modal: true, detail }, 'Learn')) !== 'Learn') return;
  const learned = await busy(`Argot: Learning from your commits in ${folder.name}`, (token) =>
    server.request(learnHistoryRequest, params, token),
  );
  if (learned === undefined || !learned.ok) return tell(learned?.message);
  await window.showInformationMessage(`Argot stored ${learned.count} examples from your history in ${folder.name}.`);
}

export function previewText({ email, files, lines, examples, leftOut, paths }: HistoryPreview): string {
  const left = Object.entries(leftOut).map(([why, count]) => `${count} ${why}`);
  return [
    `${lines} lines that git blames on ${email}, in ${files} files, as ${examples} examples. They stay on this machine.`,
    `Files: ${paths.join(', ')}${files > paths.length ? ` and ${files - paths.length} more` : ''}.`,
    ...(left.length === 0 ? [] : [`Left out: ${left.join(', ')}.`]),
  ].join('\n\n');
}

function busy<T>(title: string, work: (token: CancellationToken) => PromiseLike<T>): Thenable<T> {
  return window.withProgress({ location: ProgressLocation.Notification, title, cancellable: true }, (_, token) =>
    work(token),
  );
}

async function tell(message: string | undefined): Promise<void> {
  await window.showWarningMessage(`Argot: ${message ?? reasonText.serverDown}`);
}
