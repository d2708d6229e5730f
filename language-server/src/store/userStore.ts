import { acquireLock } from '../engine/lock.ts';
import { type OwnedExampleStore, openExampleStore } from './createExampleStore.ts';
import { nodeFileSystem } from './fileSystem.ts';
import type { Recovery } from './recover.ts';

export interface UserStore extends AsyncDisposable {
  readonly store: OwnedExampleStore;
  readonly recovery: Readonly<Recovery>;
}

/** The folder of the examples below the user's data folder. */
export function examplesFolder(home: string): string {
  return `${home}/examples`;
}

/**
 * Opens this user's examples, waiting until no other server has them: one that drains may still be writing. SQLite is
 * loaded only now, so that a start does not wait for it. Throws disk errors and the signal's reason.
 */
export async function openUserStore(home: string, signal: AbortSignal): Promise<UserStore> {
  const lock = await acquireLock(`${home}/examples.lock`, signal, async () => undefined);
  try {
    const { loadSqlite } = await import('./sqlite.ts');
    const parts = { folder: examplesFolder(home), files: nodeFileSystem, sql: await loadSqlite() };
    const opened = await openExampleStore(parts, signal);
    return {
      ...opened,
      async [Symbol.asyncDispose]() {
        await opened.store[Symbol.asyncDispose]();
        await lock[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

/** For the developer: what was damaged, and what became of it. Undefined where nothing was. */
export function damageSentence({ damaged, setAside }: Readonly<Recovery>): string | undefined {
  if (damaged === 0) return undefined;
  const where = setAside[0] === undefined ? '' : ` They were set aside in ${setAside[0].replace(/\/[^/]*$/, '')}.`;
  return `${damaged === 1 ? 'One stored example was' : `${damaged} stored examples were`} damaged on the disk and could not be read; all others are there.${where} Check the disk.`;
}
