import { URI } from 'vscode-uri';
import type { IndexStatus } from '#protocol/status.ts';
import type { Candidate } from '../context/candidates.ts';
import { relatedPaths } from '../context/relatedFiles.ts';
import { sharesLanguage } from '../context/sharesLanguage.ts';
import type { IndexClient } from '../indexing/indexClient.ts';
import type { RepositoryChunk } from '../indexing/messages.ts';
import type { DefinitionFiles } from './definitionFiles.ts';
import type { OpenDocument, WorkspaceFolder } from './documents.ts';
import type { Place } from './place.ts';

/** One window's use of the repository index. Nothing here waits in a keystroke's way: answers are there for the next request. */
export interface RepositoryContext extends Disposable {
  /** Which folders are indexed; none where the settings or the trust in them say no. */
  configure(options: RepositoryOptions): void;
  /** A document was opened or changed; its text counts from a moment later on. */
  touched(document: OpenDocument): void;
  closed(uri: string): void;
  /** Files changed on disk. */
  filesChanged(uris: readonly string[]): void;
  /** Looks up chunks for a place, once for each line that the cursor comes to. */
  refresh(document: OpenDocument, place: Place): Promise<void>;
  /** How far the index of the window's folders is; undefined where it has said nothing yet. */
  status(): IndexStatus | undefined;
  /** What was found last for a document, best first; undefined where nothing was asked or no index is there. */
  candidates(uri: string): readonly Candidate[] | undefined;
}

export interface RepositoryOptions {
  readonly folders: readonly WorkspaceFolder[];
  readonly exclude: readonly string[];
  readonly enabled: boolean;
}

export interface RepositoryDeps {
  readonly index: IndexClient;
  readonly excluded: (uri: string) => boolean;
  readonly definitions: DefinitionFiles;
}

interface Root {
  readonly path: string;
  /** Of its URI, with a slash at its end. */
  readonly prefix: string;
}

const candidateCount = 12;
/** A document's text is sent when its typist pauses. */
const overlayDelayMs = 400;
const largestOverlayUnits = 256 * 1024;
const queryUnits = 4000;
/** When so many files change at once (a branch is switched), looking at all of them is quicker. */
const manyChanges = 300;

export function createRepositoryContext({ index, excluded, definitions }: RepositoryDeps): RepositoryContext {
  const found = new Map<string, readonly Candidate[]>();
  /** By document, the line that was looked up last. */
  const lookedUp = new Map<string, number>();
  const pending = new Map<string, NodeJS.Timeout>();
  let roots: readonly Root[] = [];
  let signature = '';
  const stopped = new AbortController();

  function placeOf(uri: string): { readonly root: Root; readonly path: string } | undefined {
    const parsed = URI.parse(uri);
    if (parsed.scheme !== 'file') return undefined;
    const inside = roots.filter(({ prefix }) => parsed.path.startsWith(prefix));
    const root = inside.toSorted((a, b) => b.prefix.length - a.prefix.length)[0];
    return root && { root, path: parsed.path.slice(root.prefix.length) };
  }

  function send(document: OpenDocument): void {
    const { uri } = document.text;
    pending.delete(uri);
    const place = placeOf(uri);
    const text = document.text.getText();
    if (place === undefined || excluded(uri) || text.length > largestOverlayUnits) return;
    index.overlay(place.root.path, place.path, text);
  }

  function leave(): void {
    for (const root of roots) index.close(root.path);
    for (const timer of pending.values()) clearTimeout(timer);
    pending.clear();
    found.clear();
    lookedUp.clear();
    roots = [];
  }

  /** By root: what the document imports or is named after, and where the editor says that its names are defined. */
  function related(
    document: OpenDocument,
    place: Place,
  ): { readonly root: string; readonly paths: readonly string[] }[] {
    const own = placeOf(document.text.uri);
    if (own === undefined) return [];
    const defined = definitions.of(document, place).flatMap((uri) => placeOf(uri) ?? []);
    return [
      { root: own.root.path, paths: [...relatedPaths(own.path, place.prefix)] },
      ...defined.map(({ root, path }) => ({ root: root.path, paths: [path] })),
    ];
  }

  function asCandidates(chunks: readonly RepositoryChunk[], document: OpenDocument): Candidate[] {
    return chunks
      .filter(({ path }) => sharesLanguage(document.path, path))
      .filter(({ root, path }) => !excluded(URI.file(`${root}/${path}`).toString()))
      .map(({ path, start, end, text, score }) => ({ path, start, end, text, score }));
  }

  return {
    configure({ folders, exclude, enabled }) {
      const next = enabled ? folders.map(({ uri }) => URI.parse(uri)).filter(({ scheme }) => scheme === 'file') : [];
      const now = JSON.stringify([next.map(({ path }) => path), exclude]);
      if (now === signature) return;
      signature = now;
      leave();
      roots = next.map((uri) => ({ path: uri.fsPath, prefix: `${uri.path.replace(/\/$/, '')}/` }));
      for (const { path } of roots) index.open(path, exclude);
    },
    touched(document) {
      const { uri } = document.text;
      clearTimeout(pending.get(uri));
      pending.set(uri, setTimeout(() => send(document), overlayDelayMs).unref());
    },
    closed(uri) {
      clearTimeout(pending.get(uri));
      pending.delete(uri);
      found.delete(uri);
      lookedUp.delete(uri);
      definitions.forget(uri);
      const place = placeOf(uri);
      if (place !== undefined) index.overlay(place.root.path, place.path, undefined);
    },
    filesChanged(uris) {
      const changed = new Map<Root, string[]>();
      for (const uri of uris) {
        const place = placeOf(uri);
        if (place !== undefined) changed.set(place.root, [...(changed.get(place.root) ?? []), place.path]);
      }
      for (const [root, paths] of changed) {
        const rulesChanged = paths.some((path) => /(?:^|\/)\.gitignore$/.test(path));
        if (rulesChanged || paths.length > manyChanges) index.rescan(root.path);
        else index.changed(root.path, paths);
      }
    },
    async refresh(document, place) {
      if (roots.length === 0) return;
      const { uri } = document.text;
      const { line } = document.text.positionAt(place.documentOffset);
      if (lookedUp.get(uri) === line) return;
      lookedUp.set(uri, line);
      const query = {
        roots: roots.map(({ path }) => path),
        before: place.prefix.slice(-queryUnits),
        after: place.suffix.slice(0, queryUnits),
        count: candidateCount,
        related: related(document, place),
      };
      const chunks = await index.query(query, stopped.signal);
      if (chunks.length > 0) found.set(uri, asCandidates(chunks, document));
      else lookedUp.delete(uri);
    },
    status() {
      const said = roots.flatMap(({ path }) => index.progress(path) ?? []);
      if (said.length === 0) return undefined;
      return {
        state: said.length === roots.length && said.every(({ state }) => state === 'ready') ? 'ready' : 'scanning',
        files: said.reduce((sum, { files }) => sum + files, 0),
        truncated: said.some(({ truncated }) => truncated),
      };
    },
    candidates: (uri) => found.get(uri),
    [Symbol.dispose]() {
      stopped.abort();
      leave();
    },
  };
}
