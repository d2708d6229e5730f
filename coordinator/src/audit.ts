import { z } from 'zod';
import { join } from '#protocol/federation/bytes.ts';
import { sha256 } from '#protocol/federation/signedMessage.ts';
import type { Database } from './database.ts';

/** What is recorded: who did what, and what came of it. Never a payload, a share or an update. */
export interface AuditEvent {
  readonly federation?: string;
  /** A key in hex, an address, or `coordinator`. */
  readonly actor: string;
  readonly action: string;
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>;
}

/** Append-only; each line's hash covers the one before, so that a line taken out or changed shows. */
export interface AuditLog {
  record(event: AuditEvent): void;
  /** Lines from the oldest on, as JSON; of one federation where one is given. */
  read(federation?: string): readonly string[];
  /** The number of the first line that does not fit its hash; undefined where all do. */
  firstBroken(): number | undefined;
}

const rowSchema = z.object({ number: z.number(), line: z.string(), hash: z.instanceof(Uint8Array) });

export function openAuditLog({ sql }: Database, nowMs: () => number): AuditLog {
  const last = sql.prepare('SELECT number, line, hash FROM audit ORDER BY number DESC LIMIT 1');
  const insert = sql.prepare('INSERT INTO audit (atMs, line, hash) VALUES (?, ?, ?)');
  const all = sql.prepare('SELECT number, line, hash FROM audit ORDER BY number');
  const rows = () => all.all().map((row) => rowSchema.parse(row));
  return {
    record(event) {
      const before = rowSchema.safeParse(last.get());
      const atMs = nowMs();
      const line = JSON.stringify({ atMs, ...event });
      insert.run(atMs, line, chained(before.success ? before.data.hash : undefined, line));
    },
    read: (federation) =>
      rows()
        .map(({ line }) => line)
        .filter((line) => federation === undefined || line.includes(`"federation":"${federation}"`)),
    firstBroken() {
      let before: Uint8Array | undefined;
      for (const { number, line, hash } of rows()) {
        if (Buffer.compare(hash, chained(before, line)) !== 0) return number;
        before = hash;
      }
      return undefined;
    },
  };
}

function chained(before: Uint8Array | undefined, line: string): Uint8Array {
  return sha256(join(before ?? new Uint8Array(32), new Uint8Array(Buffer.from(line, 'utf8'))));
}
