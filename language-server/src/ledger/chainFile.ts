import { appendFile, constants, type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { appendEntry, type Chain, type Link, readChain, startOfChain, type Tip } from '#protocol/chain.ts';
import { syncFolder, writeAtomically } from '../engine/disk.ts';
import { acquireLock } from '../engine/lock.ts';
import { createQueue } from '../engine/queue.ts';

/** A ledger that can't be relied on: nothing is appended, so what depends on an entry does not happen. */
export class LedgerBroken extends Error {}

/**
 * A chain in a file of this user, for several processes at once. When `append` resolves, the entry survives a loss of
 * power. Beside the file, `<path>.tip` keeps its end, so that a file that was cut short is noticed.
 */
export interface ChainFile<Entry extends Link> {
  readonly path: string;
  /** `complete` makes the entry from its place and all entries before it; what it throws leaves the file as it was. */
  append(complete: (link: Link, before: () => Promise<readonly Entry[]>) => Entry | Promise<Entry>): Promise<Entry>;
  /** All of it, checked. Throws `LedgerBroken`. */
  read(): Promise<readonly Entry[]>;
}

export interface ChainFileOptions<Entry extends Link> {
  readonly path: string;
  readonly schema: z.ZodType<Entry>;
  /** As it begins a sentence: “The ledger of what left”. */
  readonly name: string;
  readonly now: () => number;
  /** Further files that each line is also written to, before the entry counts. */
  readonly copies?: () => readonly string[];
}

const tipSchema = z.strictObject({ count: z.int().gte(0), head: z.string(), at: z.int(), usableBytes: z.int().gte(0) });
const never = new AbortController().signal;

export function chainFile<Entry extends Link>(options: ChainFileOptions<Entry>): ChainFile<Entry> {
  const { path, schema, name } = options;
  const enqueue = createQueue();
  /** Where this process last saw the end: what lies before it was checked then. */
  let seen: Tip | undefined;

  async function locked<T>(run: (file: FileHandle) => Promise<T>): Promise<T> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await using _ = await acquireLock(`${path}.lock`, never, async () => undefined, {
      beatMs: 2000,
      staleMs: 10_000,
      pollMs: 5,
    });
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      return await run(file);
    } finally {
      await file.close();
    }
  }

  async function load(file: FileHandle, from: Tip): Promise<Chain<Entry>> {
    const { size } = await file.stat();
    if (size < from.usableBytes) throw broken('is shorter than it was');
    const bytes = Buffer.alloc(size - from.usableBytes);
    await readFully(file, bytes, from.usableBytes);
    const read = readChain(bytes, schema, from);
    if (!read.ok) throw broken(`can't be relied on: line ${read.line} ${read.fault}`);
    return read.chain;
  }

  /** From the start once, to meet the tip that was kept; after that from where this process saw the end. */
  async function current(file: FileHandle): Promise<Tip> {
    if (seen === undefined) await checkKept((await load(file, startOfChain)).entries.length, file);
    return (await load(file, seen ?? startOfChain)).tip;
  }

  async function checkKept(count: number, file: FileHandle): Promise<void> {
    const kept = await readTip(`${path}.tip`);
    if (kept === undefined) return;
    if (count < kept.count) throw broken(`was cut short: it has ${count} entries, and had ${kept.count}`);
    const bytes = Buffer.alloc(kept.usableBytes);
    await readFully(file, bytes, 0);
    const part = readChain(bytes, schema);
    if (!part.ok || part.chain.tip.head !== kept.head) throw broken('is another one than was kept');
  }

  function broken(why: string): LedgerBroken {
    return new LedgerBroken(`${name} (${path}) ${why}. Restore the file from a backup, or move it away to begin anew.`);
  }

  return {
    path,
    append: (complete) =>
      enqueue(() =>
        locked(async (file) => {
          const tip = await current(file);
          const before = async () => (await load(file, startOfChain)).entries;
          const place = appendEntry(tip, options.now(), (link) => link);
          const entry = await complete(place.entry, before);
          const next = appendEntry<Entry>(tip, place.entry.at, () => entry);
          for (const copy of options.copies?.() ?? []) await appendFile(copy, next.line, { mode: 0o644 });
          await file.truncate(tip.usableBytes);
          await writeFully(file, next.line, tip.usableBytes);
          await file.sync();
          if (tip.count === 0) await syncFolder(dirname(path));
          await writeAtomically(`${path}.tip`, JSON.stringify(next.tip));
          seen = next.tip;
          return entry;
        }),
      ),
    read: () =>
      enqueue(() =>
        locked(async (file) => {
          const { entries } = await load(file, startOfChain);
          await checkKept(entries.length, file);
          return entries;
        }),
      ),
  };
}

async function readFully(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, at + done);
    if (bytesRead === 0) throw new Error('The file ended while it was read.');
    done += bytesRead;
  }
}

async function writeFully(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}

/** Undefined where none was kept; one that can't be read is no evidence either way, since it is written in one step. */
async function readTip(path: string): Promise<Tip | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  return tipSchema.parse(JSON.parse(text));
}
