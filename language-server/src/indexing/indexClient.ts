import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { QueryText } from '../context/query.ts';
import { answerSchema, type FolderProgress, type IndexRequest, type RepositoryChunk } from './messages.ts';

/** The language server's side of the index process. */
export interface IndexClient extends Disposable {
  open(root: string, exclude: readonly string[]): void;
  close(root: string): void;
  changed(root: string, paths: readonly string[]): void;
  rescan(root: string): void;
  overlay(root: string, path: string, text: string | undefined): void;
  /** Best first. Nothing when the process is not there, when it does not answer in time, or when the signal is cancelled. */
  query(query: IndexQuery, signal: AbortSignal): Promise<readonly RepositoryChunk[]>;
  /** What the process said last of a folder. */
  progress(root: string): FolderProgress | undefined;
  /** Called whenever the process says how far it is. Returns what ends that. */
  onProgress(listener: (progress: FolderProgress) => void): () => void;
  readonly pid: number | undefined;
}

export interface IndexQuery extends QueryText {
  readonly roots: readonly string[];
  readonly count: number;
  readonly related: readonly { readonly root: string; readonly paths: readonly string[] }[];
}

export interface IndexClientDeps {
  readonly storage: string;
  readonly log: (message: string) => void;
  /** The process's program: beside this file by default. */
  readonly program?: string;
  /** So long after the first folder is opened the process starts: the model loads meanwhile. */
  readonly startDelayMs?: number;
}

/** A query that takes longer is not worth waiting for. */
const answerMs = 250;
/** A process that ends is started again, but not for ever. */
const mostStarts = 5;
/** Of the process; what it holds is bounded by the index's own limits. */
const heapMiB = 192;

export function createIndexClient(deps: IndexClientDeps): IndexClient {
  const opened = new Map<string, { exclude: readonly string[]; users: number }>();
  const overlays = new Map<string, Extract<IndexRequest, { kind: 'overlay' }>>();
  const progress = new Map<string, FolderProgress>();
  const waiting = new Map<number, (chunks: readonly RepositoryChunk[]) => void>();
  const listeners = new Set<(progress: FolderProgress) => void>();
  let child: ChildProcess | undefined;
  let startTimer: NodeJS.Timeout | undefined;
  let starts = 0;
  let lastId = 0;
  let over = false;

  function send(request: IndexRequest): void {
    if (child?.connected) child.send(request, () => undefined);
  }

  function startSoon(): void {
    if (startTimer === undefined) startTimer = setTimeout(resume, deps.startDelayMs ?? 0).unref();
  }

  function start(): void {
    if (child !== undefined || over || starts >= mostStarts) return;
    starts++;
    const started = fork(deps.program ?? programBeside(), [], {
      // A heap that grows in small steps: a build leaves much behind that is soon of no use.
      execArgv: [`--max-old-space-size=${heapMiB}`, '--max-semi-space-size=2', '--heap-growing-percent=20'],
      // One arena of glibc's allocator: more of them keep memory that the threads which read files are done with.
      env: { ...process.env, MALLOC_ARENA_MAX: '1', ARGOT_INDEX_STORAGE: deps.storage },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child = started;
    started.on('message', hear);
    started.on('error', (error) => deps.log(`The index process: ${error.message}`));
    started.on('exit', (code, signal) => {
      if (child === started) child = undefined;
      for (const [id] of waiting) settle(id, []);
      if (over) return;
      deps.log(`The index process ended (${signal ?? code}).`);
      setTimeout(resume, 1000 * starts).unref();
    });
  }

  function resume(): void {
    startTimer = undefined;
    if (opened.size === 0 || child !== undefined) return;
    start();
    for (const [root, { exclude }] of opened) send({ kind: 'open', root, exclude: [...exclude] });
    for (const request of overlays.values()) send(request);
  }

  function hear(message: unknown): void {
    const answer = answerSchema.safeParse(message);
    if (!answer.success) deps.log(`The index process: ${answer.error.message}`);
    else if (answer.data.kind === 'found') settle(answer.data.id, answer.data.chunks);
    else if (answer.data.kind === 'log') deps.log(`The index process: ${answer.data.message}`);
    else {
      progress.set(answer.data.root, answer.data);
      for (const listener of listeners) listener(answer.data);
    }
  }

  function settle(id: number, chunks: readonly RepositoryChunk[]): void {
    waiting.get(id)?.(chunks);
    waiting.delete(id);
  }

  return {
    open(root, exclude) {
      const users = (opened.get(root)?.users ?? 0) + 1;
      const same = opened.get(root)?.exclude.join('\n') === exclude.join('\n');
      opened.set(root, { exclude, users });
      if (child === undefined) startSoon();
      else if (!same) send({ kind: 'open', root, exclude: [...exclude] });
    },
    close(root) {
      const known = opened.get(root);
      if (known === undefined) return;
      known.users--;
      if (known.users > 0) return;
      opened.delete(root);
      progress.delete(root);
      for (const [key, overlay] of overlays) if (overlay.root === root) overlays.delete(key);
      send({ kind: 'close', root });
    },
    changed: (root, paths) => send({ kind: 'changed', root, paths: [...paths] }),
    rescan: (root) => send({ kind: 'rescan', root }),
    overlay(root, path, text) {
      const request = { kind: 'overlay', root, path, ...(text === undefined ? {} : { text }) } as const;
      const key = `${root}\n${path}`;
      if (text === undefined) overlays.delete(key);
      else overlays.set(key, request);
      send(request);
    },
    query({ roots, before, after, count, related }, signal) {
      if (!child?.connected || signal.aborted) return Promise.resolve([]);
      const id = ++lastId;
      return new Promise((resolve) => {
        const give = (chunks: readonly RepositoryChunk[]): void => {
          clearTimeout(patience);
          signal.removeEventListener('abort', giveUp);
          resolve(chunks);
        };
        const giveUp = (): void => settle(id, []);
        const patience = setTimeout(giveUp, answerMs);
        signal.addEventListener('abort', giveUp, { once: true });
        waiting.set(id, give);
        const belonging = related.map(({ root, paths }) => ({ root, paths: [...paths] }));
        send({ kind: 'query', id, roots: [...roots], before, after, count, related: belonging });
      });
    },
    progress: (root) => progress.get(root),
    onProgress(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get pid() {
      return child?.pid;
    },
    [Symbol.dispose]() {
      over = true;
      clearTimeout(startTimer);
      child?.disconnect();
    },
  };
}

/** Beside this file in the sources, beside the server's bundle in the product. */
function programBeside(): string {
  const name = import.meta.url.endsWith('.ts') ? './indexProcess.ts' : './index-process.mjs';
  return fileURLToPath(new URL(name, import.meta.url));
}
