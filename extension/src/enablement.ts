import { type TextDocument, type Uri, workspace } from 'vscode';

/** Documents that a person writes; not what VS Code itself writes, such as output or the versions of git. */
export const schemes: readonly string[] = [
  'file',
  'untitled',
  'vscode-notebook-cell',
  'vscode-userdata',
  'vscode-remote',
  'vscode-vfs',
];

export type Enablement =
  | { readonly enabled: true }
  | { readonly enabled: false; readonly reason: 'disabled' | 'languageOff' | 'inlineSuggestOff' | 'unknownDocument' };

export function enablementOf(document: TextDocument): Enablement {
  if (!schemes.includes(document.uri.scheme)) return { enabled: false, reason: 'unknownDocument' };
  const scope = { uri: document.uri, languageId: document.languageId };
  const argot = workspace.getConfiguration('argot', scope);
  if (argot.get<unknown>('enable') === false) {
    return { enabled: false, reason: isOffForLanguage(argot.inspect<boolean>('enable')) ? 'languageOff' : 'disabled' };
  }
  const editor = workspace.getConfiguration('editor', scope);
  if (editor.get<unknown>('inlineSuggest.enabled') === false) return { enabled: false, reason: 'inlineSuggestOff' };
  return { enabled: true };
}

interface LanguageValues {
  readonly globalLanguageValue?: boolean | undefined;
  readonly workspaceLanguageValue?: boolean | undefined;
  readonly workspaceFolderLanguageValue?: boolean | undefined;
}

function isOffForLanguage(values: LanguageValues | undefined): boolean {
  const value = values?.workspaceFolderLanguageValue ?? values?.workspaceLanguageValue ?? values?.globalLanguageValue;
  return value === false;
}

/** For documents that no editor has loaded, whose language is not known. */
export function isOnForUri(uri: Uri): boolean {
  return schemes.includes(uri.scheme) && workspace.getConfiguration('argot', uri).get<unknown>('enable') !== false;
}
