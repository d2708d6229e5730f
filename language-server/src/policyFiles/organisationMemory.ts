import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { syncFolder, writeAtomically } from '../engine/disk.ts';
import { errorCode } from '../engine/faults.ts';
import type { Accepted } from '../policy/organisationPolicy.ts';

const memorySchema = z.strictObject({ version: z.int().gte(0), hash: z.string(), file: z.base64() });

export type Remembered =
  | { readonly kind: 'nothing' }
  /** The newest policy that was ever accepted with this key, and its file. */
  | { readonly kind: 'accepted'; readonly accepted: Accepted; readonly file: Uint8Array }
  | { readonly kind: 'damaged'; readonly path: string };

/** One file for each organisation's key, replaced in one step and only by a newer version. */
export interface OrganisationMemory {
  recall(key: string): Promise<Remembered>;
  remember(key: string, accepted: Accepted, file: Uint8Array): Promise<void>;
}

export function organisationMemory(folder: string): OrganisationMemory {
  const pathOf = (key: string): string =>
    join(folder, `organisation-${createHash('sha256').update(key.toLowerCase()).digest('hex').slice(0, 16)}.json`);

  async function recall(key: string): Promise<Remembered> {
    const path = pathOf(key);
    try {
      const { version, hash, file } = memorySchema.parse(JSON.parse(await readFile(path, 'utf8')));
      return { kind: 'accepted', accepted: { version, hash }, file: Buffer.from(file, 'base64') };
    } catch (error) {
      return errorCode(error) === 'ENOENT' ? { kind: 'nothing' } : { kind: 'damaged', path };
    }
  }

  return {
    recall,
    async remember(key, accepted, file) {
      const known = await recall(key);
      if (known.kind === 'accepted' && known.accepted.version >= accepted.version) return;
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeAtomically(pathOf(key), JSON.stringify({ ...accepted, file: Buffer.from(file).toString('base64') }));
      await syncFolder(folder);
    },
  };
}
