import { ConfigurationTarget, type TextDocument, type TextEditor, window, workspace } from 'vscode';

/** Switches suggestions off, or on again, for the language of the editor in front. */
export async function toggleForLanguage(): Promise<void> {
  const document = editorInFront()?.document;
  if (document === undefined) return;
  const { languageId } = document;
  const configuration = workspace.getConfiguration('argot', { uri: document.uri, languageId });
  const values = configuration.inspect<boolean>('enable');
  const target =
    values?.workspaceFolderLanguageValue !== undefined
      ? ConfigurationTarget.WorkspaceFolder
      : values?.workspaceLanguageValue !== undefined
        ? ConfigurationTarget.Workspace
        : ConfigurationTarget.Global;
  const enable = configuration.get<unknown>('enable') === false;
  await configuration.update('enable', enable, target, true);
  announce(enable, `for ${languageId}`);
}

/** The same for the folder that the file in front belongs to, or for the workspace when it has one folder. */
export async function toggleForFolder(): Promise<void> {
  const document = editorInFront()?.document;
  const folder = document && folderOf(document);
  if (folder === undefined) {
    void window.showInformationMessage('Argot: open a folder first; suggestions are switched off for folders there.');
    return;
  }
  const many = (workspace.workspaceFolders?.length ?? 0) > 1;
  const configuration = workspace.getConfiguration('argot', folder.uri);
  const enable = configuration.get<unknown>('enable') === false;
  await configuration.update(
    'enable',
    enable,
    many ? ConfigurationTarget.WorkspaceFolder : ConfigurationTarget.Workspace,
  );
  announce(enable, `in ${folder.name}`);
}

function folderOf(document: TextDocument) {
  return workspace.getWorkspaceFolder(document.uri) ?? workspace.workspaceFolders?.[0];
}

function editorInFront(): TextEditor | undefined {
  const editor = window.activeTextEditor;
  if (editor === undefined) void window.showInformationMessage('Argot: open a file first.');
  return editor;
}

function announce(enable: boolean, where: string): void {
  window.setStatusBarMessage(`Argot is ${enable ? 'on' : 'off'} ${where}.`, 5000);
}
