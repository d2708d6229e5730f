import { setTimeout as sleep } from 'node:timers/promises';
import type { InlineCompletionItem } from 'vscode-languageserver-protocol';
import type { Client } from '../../test/lib/client.ts';
import type { ClientDocument } from '../../test/lib/document.ts';
import { type Side, uriOf } from './side.ts';

/** The editor tells the server of a cursor that rests, after this long. */
const cursorRestMs = 100;

/** The language server over its socket, told what an editor with Argot tells it. */
export function createOurSide(client: Client): Side {
  let project = '';
  const documents = new Map<string, ClientDocument>();
  const tabs: string[] = [];

  const documentAt = (path: string): ClientDocument => {
    const document = documents.get(path);
    if (document === undefined) throw new Error(`The trace uses ${path} before it opens it.`);
    return document;
  };
  const visit = (path: string): Promise<void> => {
    const uri = uriOf(project, path);
    if (tabs.includes(uri)) tabs.splice(tabs.indexOf(uri), 1);
    tabs.unshift(uri);
    return client.openTabs(tabs);
  };

  return {
    async begin(next) {
      for (const document of documents.values()) await document.close();
      documents.clear();
      tabs.length = 0;
      project = next;
    },
    async open({ path, languageId }, text) {
      documents.set(path, await client.open({ uri: uriOf(project, path), languageId, text }));
      await visit(path);
    },
    async jump(path, offset) {
      await visit(path);
      await sleep(cursorRestMs);
      await client.cursor(documentAt(path), offset);
    },
    async key(path, edit) {
      const document = documentAt(path);
      const began = performance.now();
      const told = document.edit(edit.offset, edit.deleted, edit.inserted);
      const answer = await client.complete(document, edit.cursor);
      const latencyMs = performance.now() - began;
      await told;
      const trace = await client.lastTrace(document.uri);
      if (trace === null) throw new Error('The server kept no trace of the request.');
      const [item] = answer.kind === 'items' ? answer.items : [];
      const { stagesMs } = trace;
      return {
        latencyMs,
        offer: item === undefined ? '' : offered(item, document, edit.cursor),
        fromModel: trace.source === 'model',
        promptTokens: trace.promptTokens,
        evaluatedTokens: trace.evaluatedTokens,
        decodedTokens: trace.decodedTokens,
        prefillMs: stagesMs.prefill ?? 0,
        decodeMs: stagesMs.decode ?? 0,
        decodeSteps: trace.decodedTokens,
        waitMs: stagesMs.queue ?? 0,
        ...(stagesMs.total === undefined ? {} : { serverMs: stagesMs.total }),
        ...(trace.prompt === undefined ? {} : { prompt: trace.prompt }),
      };
    },
  };
}

/** The part of an item that comes after the cursor. */
export function offered(item: InlineCompletionItem, document: ClientDocument, cursor: number): string {
  const text = typeof item.insertText === 'string' ? item.insertText : item.insertText.value;
  if (item.range === undefined) return text;
  const typed = document.text().slice(document.offsetAt(item.range.start), cursor);
  return text.startsWith(typed) ? text.slice(typed.length) : '';
}
