import { createHash } from 'node:crypto';
import { join } from 'node:path';
import picomatch from 'picomatch';
import { type FolderIndex, openFolderIndex } from './folderIndex.ts';
import { createChunker } from './grammars.ts';
import { createIndexStore, removeUnused } from './indexStore.ts';
import type { IndexAnswer, IndexRequest, RepositoryChunk } from './messages.ts';

export interface IndexServiceDeps {
  /** Where indexes are stored, one folder for each workspace folder. */
  readonly storage: string;
  readonly send: (answer: IndexAnswer) => void;
}

interface OpenFolder {
  readonly index: Promise<FolderIndex>;
  readonly stop: AbortController;
  saving: NodeJS.Timeout | undefined;
}

/** Changes are stored when nothing has changed for so long; until then a restart only reads those files again. */
const saveAfterMs = 5_000;
const unusedMs = 30 * 24 * 3_600_000;

/** All folders of all windows, by requests; runs in a process of its own. */
export function createIndexService({ storage, send }: IndexServiceDeps): (request: IndexRequest) => Promise<void> {
  const folders = new Map<string, OpenFolder>();
  const log = (message: string): void => send({ kind: 'log', message });
  const chunker = createChunker(log);
  removeUnused(storage, unusedMs, Date.now()).catch((error: unknown) => log(`Old indexes stay: ${String(error)}`));

  function open(root: string, exclude: readonly string[]): OpenFolder {
    folders.get(root)?.stop.abort();
    const stop = new AbortController();
    const matches = exclude.length === 0 ? () => false : picomatch([...exclude], { dot: true });
    const index = openFolderIndex({
      root,
      store: createIndexStore(join(storage, createHash('sha256').update(root).digest('hex').slice(0, 24))),
      chunker,
      excluded: (path) => matches(join(root, path).replaceAll('\\', '/').replace(/^\//, '')),
      signal: stop.signal,
      progress: (progress) => send({ kind: 'progress', root, ...progress }),
    });
    const folder: OpenFolder = { index, stop, saving: undefined };
    folders.set(root, folder);
    return folder;
  }

  function saveLater(folder: OpenFolder): void {
    clearTimeout(folder.saving);
    folder.saving = setTimeout(() => {
      if (folder.stop.signal.aborted) return;
      folder.index
        .then((index) => index.save())
        .catch((error: unknown) => log(`The index is not stored: ${String(error)}`));
    }, saveAfterMs);
    folder.saving.unref();
  }

  async function query(request: Extract<IndexRequest, { kind: 'query' }>): Promise<void> {
    const chunks: RepositoryChunk[] = [];
    for (const root of request.roots) {
      const index = await folders.get(root)?.index;
      if (index === undefined) continue;
      const related = new Set(request.related.filter((each) => each.root === root).flatMap((each) => each.paths));
      for (const chunk of index.query(request, request.count, related)) {
        chunks.push({
          root,
          path: chunk.path,
          start: chunk.start,
          end: chunk.end,
          score: chunk.score,
          text: chunk.text,
        });
      }
    }
    send({ kind: 'found', id: request.id, chunks: chunks.sort((a, b) => b.score - a.score) });
  }

  return async (request) => {
    switch (request.kind) {
      case 'open':
        return (await open(request.root, request.exclude).index).scan();
      case 'close':
        folders.get(request.root)?.stop.abort();
        clearTimeout(folders.get(request.root)?.saving);
        folders.delete(request.root);
        return;
      case 'query':
        return query(request);
      default: {
        const folder = folders.get(request.root);
        const index = await folder?.index;
        if (folder === undefined || index === undefined) return;
        if (request.kind === 'rescan') return index.scan();
        if (request.kind === 'changed') await index.changed(request.paths);
        else await index.overlay(request.path, request.text);
        saveLater(folder);
      }
    }
  };
}
