import type { Position, SelectedCompletionInfo } from 'vscode-languageserver-protocol';
import { type OpenDocument, textAfter, textBefore } from './documents.ts';

/** Where a completion is wanted. With the suggest widget open, its selected entry counts as typed. */
export interface Place {
  readonly uri: string;
  /** In UTF-16 units, the selected entry included. */
  readonly offset: number;
  /** The cursor's offset in the document as it is. */
  readonly documentOffset: number;
  readonly prefix: string;
  readonly suffix: string;
  /** What an item inserts before the completion itself, and the start of the range that it replaces. */
  readonly lead: string;
  readonly replaceFrom: Position;
}

/** With the suggest widget open, VS Code shows only completions that go on from its selected entry. */
export function placeAt({ text }: OpenDocument, position: Position, selected?: SelectedCompletionInfo): Place {
  const documentOffset = text.offsetAt(position);
  const prefix = textBefore(text, documentOffset);
  const plain: Place = {
    uri: text.uri,
    offset: documentOffset,
    documentOffset,
    prefix,
    suffix: textAfter(text, documentOffset),
    lead: '',
    replaceFrom: position,
  };
  if (selected === undefined) return plain;
  const typed = documentOffset - text.offsetAt(selected.range.start);
  const added = selected.text.length - typed;
  if (typed < 0 || added < 0) return plain;
  return {
    ...plain,
    offset: documentOffset + added,
    prefix: prefix.slice(0, prefix.length - typed) + selected.text,
    lead: selected.text,
    replaceFrom: selected.range.start,
  };
}
