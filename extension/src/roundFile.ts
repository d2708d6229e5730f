import { Uri, WorkspaceEdit, window, workspace } from 'vscode';
import { newRoundFile, roundFilePath } from '#protocol/federation/roundDefaults.ts';

/** Opens the file of a folder's round settings; where there is none, one with the defaults is made first. */
export async function openRoundFile(folder: Uri): Promise<void> {
  const file = Uri.joinPath(folder, roundFilePath);
  const creation = new WorkspaceEdit();
  creation.createFile(file, { ignoreIfExists: true, contents: new TextEncoder().encode(newRoundFile()) });
  await workspace.applyEdit(creation);
  await window.showTextDocument(await workspace.openTextDocument(file));
}
