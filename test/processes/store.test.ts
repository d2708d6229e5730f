import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openExampleStore } from '../../language-server/src/store/createExampleStore.ts';
import { nodeFileSystem } from '../../language-server/src/store/fileSystem.ts';
import { loadSqlite } from '../../language-server/src/store/sqlite.ts';
import { runAndKill } from '../lib/killedWriter.ts';

/** More of them run in the soak suite. */
const kills = Number(process.env.ARGOT_STORE_KILLS ?? 12);
const keptAtMost = 120;

test(`kill -9 of the writer at ${kills} random moments loses nothing that was acknowledged`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'argot-store-'));
  const sql = await loadSqlite();
  const signal = new AbortController().signal;
  let number = 0;
  let most = 0;
  try {
    for (let kill = 0; kill < kills; kill++) {
      const log = await runAndKill(join(folder, 'store'), number, Math.random() * 250);
      const { store, recovery } = await openExampleStore(
        { folder: join(folder, 'store'), files: nodeFileSystem, sql },
        signal,
      );
      const ids = new Set((await store.list({}, signal)).map(({ id }) => id));
      expect(recovery).toMatchObject({ damaged: 0, setAside: [] });
      const numbers = [...ids].map((id) => Number(id.slice('example-'.length)));
      number = Math.max(-1, ...numbers, ...[...log.added].map((id) => Number(id.slice('example-'.length)))) + 1;
      for (const id of log.added) {
        // Retention keeps the newest.
        const isRecent = Number(id.slice('example-'.length)) >= number - keptAtMost;
        if (isRecent && !log.doubtful.has(id)) expect(ids, `kill ${kill}`).toContain(id);
      }
      for (const id of log.deleted) expect(ids, `kill ${kill}`).not.toContain(id);
      most = Math.max(most, ids.size);
      await store[Symbol.asyncDispose]();
    }
    expect(most).toBeGreaterThan(keptAtMost / 2);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
