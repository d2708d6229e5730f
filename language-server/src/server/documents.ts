import { TextDocument } from 'vscode-languageserver-textdocument';
import { URI } from 'vscode-uri';
import type { Source } from '../context/snippets.ts';

/** A document as one window has it open, saved or not. */
export interface OpenDocument {
  text: TextDocument;
  /** Relative to the workspace folder that holds it; the file's name where none does. */
  readonly path: string;
  readonly repository: string | undefined;
  /** The workspace folder that holds it. */
  readonly folder: WorkspaceFolder | undefined;
  /** Times between the last changes, newest last, in milliseconds. */
  readonly gapsMs: number[];
  changedAt: number;
}

/** How much text before and after the cursor the pipeline looks at, in UTF-16 units. */
const nearUnits = 32_768;
const rememberedGaps = 8;

export interface WorkspaceFolder {
  readonly uri: string;
  readonly name: string;
}

export interface Change {
  readonly line: number;
  readonly lineDelta: number;
  /** What it replaced, in UTF-16 units of the document before it, and by what. */
  readonly offset: number;
  readonly length: number;
  readonly text: string;
}

export function openDocument(
  item: { readonly uri: string; readonly languageId: string; readonly version: number; readonly text: string },
  folders: readonly WorkspaceFolder[],
): OpenDocument {
  return {
    text: TextDocument.create(item.uri, item.languageId, item.version, item.text),
    ...placeIn(folders, item.uri),
    gapsMs: [],
    changedAt: 0,
  };
}

/** Applies an edit of the client and says which lines it touched. */
export function applyChanges(
  document: OpenDocument,
  changes: Parameters<typeof TextDocument.update>[1],
  version: number,
  now: number,
): Change[] {
  const touched: Change[] = [];
  for (const change of changes) {
    const linesBefore = document.text.lineCount;
    const replaced = 'range' in change ? change.range : undefined;
    const offset = replaced === undefined ? 0 : document.text.offsetAt(replaced.start);
    const end = document.text.offsetAt(replaced?.end ?? { line: linesBefore, character: 0 });
    document.text = TextDocument.update(document.text, [change], version);
    const line = replaced?.start.line ?? 0;
    const lineDelta = document.text.lineCount - linesBefore;
    touched.push({ line, lineDelta, offset, length: end - offset, text: change.text });
  }
  if (document.changedAt > 0) document.gapsMs.push(now - document.changedAt);
  if (document.gapsMs.length > rememberedGaps) document.gapsMs.shift();
  document.changedAt = now;
  return touched;
}

/** The document as it would be with `inserted` at `offset`; the given one stays as it is. */
export function withInserted(document: OpenDocument, offset: number, inserted: string): OpenDocument {
  const { text } = document;
  const whole = text.getText();
  const changed = whole.slice(0, offset) + inserted + whole.slice(offset);
  return { ...document, text: TextDocument.create(text.uri, text.languageId, text.version, changed) };
}

export function textBefore(document: TextDocument, offset: number): string {
  return slice(document, Math.max(0, offset - nearUnits), offset);
}

export function textAfter(document: TextDocument, offset: number): string {
  return slice(document, offset, offset + nearUnits);
}

export function lineAt(document: TextDocument, line: number): string {
  return document
    .getText({ start: { line, character: 0 }, end: { line: line + 1, character: 0 } })
    .replace(/\r?\n$/, '');
}

export function usesCrlf(document: TextDocument): boolean {
  return (
    document.lineCount > 1 &&
    document.getText({ start: { line: 0, character: 0 }, end: { line: 1, character: 0 } }).endsWith('\r\n')
  );
}

export function asSource(document: OpenDocument): Source {
  const { text } = document;
  return {
    uri: text.uri,
    path: document.path,
    languageId: text.languageId,
    lineCount: text.lineCount,
    lines: (from, to) =>
      text.getText({ start: { line: from, character: 0 }, end: { line: to, character: 0 } }).replaceAll('\r\n', '\n'),
  };
}

function slice(document: TextDocument, from: number, to: number): string {
  return document.getText({ start: document.positionAt(from), end: document.positionAt(to) });
}

/** The innermost workspace folder names the path and the repository; nothing absolute enters a prompt. */
export function placeIn(
  folders: readonly WorkspaceFolder[],
  uri: string,
): { path: string; repository: string | undefined; folder: WorkspaceFolder | undefined } {
  const { path } = URI.parse(uri);
  let best: { path: string; repository: string; folder: WorkspaceFolder } | undefined;
  for (const folder of folders) {
    const root = `${URI.parse(folder.uri).path.replace(/\/$/, '')}/`;
    if (!path.startsWith(root)) continue;
    const relative = path.slice(root.length);
    if (best === undefined || relative.length < best.path.length)
      best = { path: relative, repository: folder.name, folder };
  }
  return best ?? { path: path.slice(path.lastIndexOf('/') + 1), repository: undefined, folder: undefined };
}
