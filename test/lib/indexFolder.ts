import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createIndexClient, type IndexClient } from '../../language-server/src/indexing/indexClient.ts';
import type { FolderProgress } from '../../language-server/src/indexing/messages.ts';

/** A repository in a temporary folder, and index processes that work on it. */
export interface IndexFolder extends AsyncDisposable {
  readonly root: string;
  readonly storage: string;
  write(path: string, text: string): Promise<void>;
  /** Starts an index process of its own. */
  start(): IndexClient & { ready(): Promise<FolderProgress>; readonly logged: readonly string[] };
}

const program = fileURLToPath(new URL('../../dist/index-process.mjs', import.meta.url));

export async function createIndexFolder(): Promise<IndexFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'argot-index-'));
  const root = join(folder, 'root');
  const storage = join(folder, 'stored');
  return {
    root,
    storage,
    async write(path, text) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    },
    start() {
      const logged: string[] = [];
      let tell: (progress: FolderProgress) => void = () => undefined;
      const isReady = new Promise<FolderProgress>((resolve) => {
        tell = resolve;
      });
      const client = createIndexClient({
        storage,
        program,
        log: (message) => logged.push(message),
      });
      client.onProgress((progress) => progress.state === 'ready' && tell(progress));
      client.open(root, []);
      return Object.assign(client, { ready: () => isReady, logged });
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
