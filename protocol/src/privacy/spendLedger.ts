import { createHash } from 'node:crypto';
import { z } from 'zod';
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
const entryFields = {
  /** Counts from 0. */
  index: z.int().gte(0),
  /** Milliseconds since 1970; never before the entry above it, even if the clock is. */
  at: z.int().gte(0).lte(8_640_000_000_000_000),
  /** Whom neighbouring data differ by. Different kinds do not add up. */
  unit: z.enum(['record', 'member']),
  /** The training run or the federation and round that it was for; unique. */
  purpose: z.string().min(1).max(200),
  release: releaseSchema,
  /** The hash of the line above, or 64 zeros. */
  previous: z.string().regex(/^[0-9a-f]{64}$/),
};
const spendSchema = z.strictObject(entryFields);
export type Spend = z.infer<typeof spendSchema>;

export interface SpendLedger {
  readonly spends: readonly Spend[];
  /** What the next entry's `previous` will be; kept elsewhere too, it shows that a ledger was cut short. */
  readonly head: string;
  readonly usableBytes: number;
}

export type ReadLedger =
  | { readonly ok: true; readonly ledger: SpendLedger; readonly torn: boolean }
  /** `line` counts from 1. */
  | { readonly ok: false; readonly line: number; readonly message: string };

const noHash = '0'.repeat(64);
export const emptyLedger: SpendLedger = { spends: [], head: noHash, usableBytes: 0 };

export function readLedger(file: Uint8Array): ReadLedger {
  const spends: Spend[] = [];
  let head = noHash;
  let from = 0;
  for (let end = file.indexOf(10); end !== -1; end = file.indexOf(10, from)) {
    const bytes = file.subarray(from, end);
    const spend = parseSpend(bytes);
    const fault = spend === undefined ? 'is not a ledger entry' : misplaced(spend, spends, head);
    if (spend === undefined || fault !== undefined) {
      const line = spends.length + 1;
      const message = `Line ${line} of the privacy ledger ${fault ?? 'is damaged'}. Nothing more is spent until the file is restored from a backup.`;
      return { ok: false, line, message };
    }
    spends.push(spend);
    head = hashOf(bytes);
    from = end + 1;
  }
  return { ok: true, ledger: { spends, head, usableBytes: from }, torn: from < file.length };
}

export interface Appended {
  readonly ledger: SpendLedger;
  /** To be written at `usableBytes` of the ledger before. */
  readonly line: Uint8Array;
}

/** The same purpose recorded twice is a bug of the caller: an entry is written before its release, never after. */
export function appendSpend(ledger: SpendLedger, spend: Pick<Spend, 'at' | 'unit' | 'purpose' | 'release'>): Appended {
  if (ledger.spends.some(({ purpose }) => purpose === spend.purpose)) {
    throw new Error(`The ledger already holds a spend for ${spend.purpose}.`);
  }
  const entry = spendSchema.parse({
    index: ledger.spends.length,
    at: Math.max(spend.at, ledger.spends.at(-1)?.at ?? 0),
    unit: spend.unit,
    purpose: spend.purpose,
    release: spend.release,
    previous: ledger.head,
  });
  const text = Buffer.from(JSON.stringify(entry));
  const line = new Uint8Array([...text, 10]);
  return {
    line,
    ledger: {
      spends: [...ledger.spends, entry],
      head: hashOf(text),
      usableBytes: ledger.usableBytes + line.length,
    },
  };
}

/** What counts against a cap over a span of time. An entry from the future counts: the clock may have been turned. */
export function releasesSince(ledger: SpendLedger, unit: Spend['unit'], since: number): readonly Release[] {
  return ledger.spends.filter((spend) => spend.unit === unit && spend.at >= since).map(({ release }) => release);
}

function parseSpend(bytes: Uint8Array): Spend | undefined {
  try {
    const parsed = spendSchema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Not UTF-8 or not JSON: to the reader both are damage.
    return undefined;
  }
}

function misplaced(spend: Spend, before: readonly Spend[], head: string): string | undefined {
  if (spend.index !== before.length) return `is entry ${spend.index}, not ${before.length}`;
  if (spend.previous !== head) return 'does not follow from the line above it';
  if (spend.at < (before.at(-1)?.at ?? 0)) return 'is earlier than the line above it';
  return undefined;
}

function hashOf(line: Uint8Array): string {
  return createHash('sha256').update(line).digest('hex');
}
