import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../engine/disk.ts';

/**
 * Where secrets lie: the editor's SecretStorage or the system's keychain, through the extension. Names hold letters,
 * digits, dots and dashes. Each call is durable before it resolves.
 */
export interface KeyStore {
  get(name: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
  set(name: string, secret: Uint8Array, signal: AbortSignal): Promise<void>;
  delete(name: string, signal: AbortSignal): Promise<void>;
}

/** Files that only their owner reads, for machines without an editor, such as `npm run demo`'s members. */
export function fileKeyStore(folder: string): KeyStore {
  return {
    async get(name) {
      const text = await readFile(join(folder, name), 'utf8').catch(() => undefined);
      return text === undefined ? undefined : new Uint8Array(Buffer.from(text, 'base64'));
    },
    async set(name, secret) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeAtomically(join(folder, name), Buffer.from(secret).toString('base64'));
    },
    delete: (name) => rm(join(folder, name), { force: true }),
  };
}
