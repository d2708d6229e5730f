import { createHash } from 'node:crypto';
import { z } from 'zod';

/**
 * Append-only files of JSON lines, each bound to the one above it by its hash, so that a change anywhere shows. Pure: the
 * file's bytes go in, the line to append comes out.
 */
export const linkFields = {
  /** Counts from 0. */
  index: z.int().gte(0),
  /** Milliseconds since 1970; never before the entry above it, even if the clock is. */
  at: z.int().gte(0).lte(8_640_000_000_000_000),
  /** The hash of the line above, or 64 zeros. */
  previous: z.string().regex(/^[0-9a-f]{64}$/),
};
const linkSchema = z.strictObject(linkFields);
export type Link = Readonly<z.infer<typeof linkSchema>>;

/** Where a chain ends: all that is needed to go on. */
export interface Tip {
  readonly count: number;
  /** What the next entry's `previous` will be; kept elsewhere too, it shows that a file was cut short. */
  readonly head: string;
  /** When the last entry was made. */
  readonly at: number;
  readonly usableBytes: number;
}

export interface Chain<Entry extends Link> {
  readonly entries: readonly Entry[];
  readonly tip: Tip;
}

export type ReadChain<Entry extends Link> =
  | { readonly ok: true; readonly chain: Chain<Entry>; readonly torn: boolean }
  /** `line` counts from 1; `fault` ends a sentence that begins with the line. */
  | { readonly ok: false; readonly line: number; readonly fault: string };

export const startOfChain: Tip = { count: 0, head: '0'.repeat(64), at: 0, usableBytes: 0 };

/** Whole lines only: a torn last line is no part of the chain. `bytes` go on where `from` is; `entries` are theirs alone. */
export function readChain<Entry extends Link>(
  bytes: Uint8Array,
  schema: z.ZodType<Entry>,
  from: Tip = startOfChain,
): ReadChain<Entry> {
  const entries: Entry[] = [];
  let tip = from;
  let begin = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, begin)) {
    const line = bytes.subarray(begin, end);
    const entry = parseEntry(line, schema);
    const fault = entry === undefined ? 'is not an entry' : misplaced(entry, tip);
    if (entry === undefined || fault !== undefined) {
      return { ok: false, line: tip.count + 1, fault: fault ?? 'is damaged' };
    }
    entries.push(entry);
    tip = after(tip, entry, line);
    begin = end + 1;
  }
  return { ok: true, chain: { entries, tip }, torn: begin < bytes.length };
}

export interface Appended<Entry extends Link> {
  readonly entry: Entry;
  readonly tip: Tip;
  /** To be written at `usableBytes` of the tip before. */
  readonly line: Uint8Array;
}

/** `complete` makes the entry from its place in the chain. */
export function appendEntry<Entry extends Link>(
  tip: Tip,
  atMs: number,
  complete: (link: Link) => Entry,
): Appended<Entry> {
  const entry = complete({ index: tip.count, at: Math.max(atMs, tip.at), previous: tip.head });
  const text = Buffer.from(JSON.stringify(entry));
  return { entry, tip: after(tip, entry, text), line: new Uint8Array([...text, 10]) };
}

function after(tip: Tip, entry: Link, line: Uint8Array): Tip {
  return {
    count: tip.count + 1,
    head: createHash('sha256').update(line).digest('hex'),
    at: entry.at,
    usableBytes: tip.usableBytes + line.length + 1,
  };
}

function parseEntry<Entry>(line: Uint8Array, schema: z.ZodType<Entry>): Entry | undefined {
  try {
    return schema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line))).data;
  } catch {
    // Not UTF-8 or not JSON: to the reader both are damage.
    return undefined;
  }
}

function misplaced(entry: Link, { count, head, at }: Tip): string | undefined {
  if (entry.index !== count) return `is entry ${entry.index}, not ${count}`;
  if (entry.previous !== head) return 'does not follow from the line above it';
  return entry.at < at ? 'is earlier than the line above it' : undefined;
}
