import { z } from 'zod';
import { appendEntry, type Chain, linkFields, readChain, startOfChain } from '../chain.ts';
import { type Release, releaseSchema } from './mechanism.ts';

/**
 * A member's lifetime ledger of privacy: what was spent, in order, for ever. Pure: the text of the file goes in and the
 * line to append comes out. Whoever writes it keeps three rules, so that a crash at any point leaves no less on record than
 * was spent:
 *
 * 1. Record first: append the line and sync the file (and, once, its folder) before the release begins. A release that then
 *    fails or stops early stays recorded in full.
 * 2. Truncate the file to `usableBytes` before appending: a torn last line was never synced, so its release never began.
 * 3. Where the file is damaged or missing though its last hash is known from elsewhere, spend nothing.
 */
export const spendSchema = z.strictObject({
  ...linkFields,
  /** Whom neighbouring data differ by. Different kinds do not add up. */
  unit: z.enum(['record', 'member']),
  /** The training run or the federation and round that it was for; unique. */
  purpose: z.string().min(1).max(200),
  release: releaseSchema,
});
export type Spend = z.infer<typeof spendSchema>;
export type SpendLedger = Chain<Spend>;
export const emptyLedger: SpendLedger = { entries: [], tip: startOfChain };

export type ReadLedger =
  | { readonly ok: true; readonly ledger: SpendLedger; readonly torn: boolean }
  /** `line` counts from 1. */
  | { readonly ok: false; readonly line: number; readonly message: string };

export function readLedger(file: Uint8Array): ReadLedger {
  const read = readChain(file, spendSchema);
  if (read.ok) return { ok: true, ledger: read.chain, torn: read.torn };
  const message = `Line ${read.line} of the privacy ledger ${read.fault}. Nothing more is spent until the file is restored from a backup.`;
  return { ok: false, line: read.line, message };
}

/** The same purpose recorded twice is a bug of the caller: an entry is written before its release, never after. */
export function appendSpend(
  ledger: SpendLedger,
  spend: Pick<Spend, 'at' | 'unit' | 'purpose' | 'release'>,
): { readonly ledger: SpendLedger; readonly line: Uint8Array } {
  if (ledger.entries.some(({ purpose }) => purpose === spend.purpose)) {
    throw new Error(`The ledger already holds a spend for ${spend.purpose}.`);
  }
  const { unit, purpose, release } = spend;
  const { entry, tip, line } = appendEntry(ledger.tip, spend.at, (link) =>
    spendSchema.parse({ ...link, unit, purpose, release }),
  );
  return { ledger: { entries: [...ledger.entries, entry], tip }, line };
}

/** What counts against a cap over a span of time. An entry from the future counts: the clock may have been turned. */
export function releasesSince(spends: readonly Spend[], unit: Spend['unit'], since: number): readonly Release[] {
  return spends.filter((spend) => spend.unit === unit && spend.at >= since).map(({ release }) => release);
}
