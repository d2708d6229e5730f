import {
  DidChangeTextDocumentNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  type Position,
  type ProtocolConnection,
} from 'vscode-languageserver-protocol/node';
import { TextDocument } from 'vscode-languageserver-textdocument';

/** An open document as an editor holds it; each change goes to the server at once. Offsets are UTF-16 units. */
export interface ClientDocument {
  readonly uri: string;
  readonly languageId: string;
  version(): number;
  text(): string;
  positionAt(offset: number): Position;
  offsetAt(position: Position): number;
  /** Replaces `deleted` units at `offset` and tells the server by an incremental change. */
  edit(offset: number, deleted: number, inserted: string): Promise<void>;
  /** Changes at several places in one notification, as multi-cursor typing does; each offset counts after those before it. */
  editAll(changes: readonly Edit[]): Promise<void>;
  close(): Promise<void>;
}

export interface Edit {
  readonly offset: number;
  readonly deleted: number;
  readonly inserted: string;
}

export interface OpenOptions {
  readonly uri: string;
  readonly languageId: string;
  readonly text: string;
}

export async function openDocument(connection: ProtocolConnection, options: OpenOptions): Promise<ClientDocument> {
  const document = TextDocument.create(options.uri, options.languageId, 1, options.text);
  await connection.sendNotification(DidOpenTextDocumentNotification.type, {
    textDocument: { uri: options.uri, languageId: options.languageId, version: 1, text: options.text },
  });
  const editAll = async (changes: readonly Edit[]): Promise<void> => {
    const version = document.version + 1;
    const contentChanges = changes.map(({ offset, deleted, inserted }) => {
      const range = { start: document.positionAt(offset), end: document.positionAt(offset + deleted) };
      const change = { range, text: inserted };
      TextDocument.update(document, [change], version);
      return change;
    });
    await connection.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument: { uri: options.uri, version },
      contentChanges,
    });
  };
  return {
    uri: options.uri,
    languageId: options.languageId,
    version: () => document.version,
    text: () => document.getText(),
    positionAt: (offset) => document.positionAt(offset),
    offsetAt: (position) => document.offsetAt(position),
    edit: (offset, deleted, inserted) => editAll([{ offset, deleted, inserted }]),
    editAll,
    close: () =>
      connection.sendNotification(DidCloseTextDocumentNotification.type, { textDocument: { uri: options.uri } }),
  };
}
