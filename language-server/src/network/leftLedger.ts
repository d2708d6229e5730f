import { constants, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LedgerCheck, type Left, leftSchema, type ReadLeftResult } from '#protocol/ledger.ts';
import { type ChainFile, chainFile, LedgerBroken } from '../ledger/chainFile.ts';
import { allOf } from '../policy/decisions.ts';
import type { PolicyService } from '../policy/policyService.ts';

type Without<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;
export type LeftEntry = Without<Left, 'index' | 'at' | 'previous'>;

/** What left this machine, for ever. */
export interface LeftLedger {
  /** On disk when it resolves: call it before the bytes leave. Throws where that can't be. */
  record(entry: LeftEntry): Promise<Left>;
  read(newest: number): Promise<ReadLeftResult>;
  exportTo(path: string): Promise<LedgerCheck>;
}

/** `<home>/ledger/left.jsonl`; each line is written to the policy's audit logs first, so that nothing leaves without them. */
export function openLeftLedger(home: string, policy: PolicyService): LeftLedger {
  const file = chainFile({
    path: join(home, 'ledger', 'left.jsonl'),
    schema: leftSchema,
    name: 'The ledger of what left',
    now: Date.now,
    copies: () => allOf(policy.effective(), 'auditLog'),
  });
  return {
    record: (entry) => file.append((link) => ({ ...link, ...entry })),
    async read(newest) {
      const read = await readAll(file);
      return { check: read.check, entries: read.entries.slice(Math.max(0, read.entries.length - newest)) };
    },
    async exportTo(path) {
      const { check } = await readAll(file);
      if (!check.ok) return check;
      try {
        await copyFile(file.path, path, constants.COPYFILE_EXCL);
        return { ...check, path };
      } catch (error) {
        return { ok: false, path, message: `${path} could not be written: ${String(error)}. Choose another file.` };
      }
    },
  };
}

async function readAll(
  file: ChainFile<Left>,
): Promise<{ readonly check: LedgerCheck; readonly entries: readonly Left[] }> {
  const { path } = file;
  try {
    const entries = await file.read();
    const bytes = entries.reduce((sum, entry) => sum + ('bytes' in entry ? entry.bytes : 0), 0);
    return { check: { ok: true, entries: entries.length, bytes, path }, entries };
  } catch (error) {
    if (!(error instanceof LedgerBroken)) throw error;
    return { check: { ok: false, message: error.message, path }, entries: [] };
  }
}
