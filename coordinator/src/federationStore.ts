import { z } from 'zod';
import { type BulletinBoard, membershipTopic } from '#protocol/federation/board.ts';
import { hex } from '#protocol/federation/bytes.ts';
import { decodeCanonical, encodeCanonical } from '#protocol/federation/canonical.ts';
import { type Membership, type MembershipReader, membershipReader } from '#protocol/federation/membership.ts';
import { type RoundSettings, roundSettingsSchema } from '#protocol/federation/messages.ts';
import type { Anchors } from '#protocol/federation/round.ts';
import { claimedSigner, sha256 } from '#protocol/federation/signedMessage.ts';
import type { BlobStore } from './blobStore.ts';
import type { Database } from './database.ts';

/** What the coordinator holds of one federation: small messages in the database, payloads as files. */
export interface FederationStore {
  readonly anchors: Anchors;
  membership(): Membership;
  topic(name: string): readonly StoredEntry[];
  /** Of a topic's entries, those that claim to be this signer's. */
  entriesBy(topic: string, signer: Uint8Array): readonly StoredEntry[];
  /** Of a topic's entries, without what they hold: a round's uploads are megabytes. */
  addresses(name: string): readonly Uint8Array[];
  /** Durable when it returns; false where the topic has these bytes already. */
  post(topic: string, bytes: Uint8Array): boolean;
  entry(address: Uint8Array): StoredEntry | undefined;
  /** The board that the protocol's functions read and write; blobs go to the round's folder. */
  board(plan: Uint8Array): BulletinBoard;
  rounds(): readonly RoundRow[];
  addRound(number: number, plan: Uint8Array, startedMs: number): void;
  setSurvivorsMs(number: number, atMs: number): void;
  setOutcome(number: number, outcome: RoundOutcome): void;
  /** False for a sequence that is not above every earlier one. */
  claimSequence(sequence: number): boolean;
  schedule(): Schedule | undefined;
  setSchedule(schedule: Schedule | undefined): void;
  sawMember(key: Uint8Array, atMs: number): void;
  seenMs(): ReadonlyMap<string, number>;
  claimBlob(claim: BlobClaim): boolean;
  finishBlob(claim: BlobClaim): void;
  freeBlob(claim: BlobClaim): void;
}

export interface StoredEntry {
  readonly topic: string;
  readonly address: Uint8Array;
  readonly bytes: Uint8Array;
}

export type RoundOutcome = 'published' | 'belowMinimumCohort' | 'tooFewReleases' | 'sharesInconsistent' | 'stopped';

export interface RoundRow {
  readonly number: number;
  readonly plan: Uint8Array;
  readonly startedMs: number;
  readonly survivorsMs: number | null;
  readonly outcome: RoundOutcome | null;
}

export interface Schedule {
  readonly settings: RoundSettings;
  readonly everyMs: number;
  readonly nextMs: number;
}

/** One blob for each member and round: whose it is. */
export interface BlobClaim {
  readonly plan: Uint8Array;
  readonly owner: Uint8Array;
  readonly hash: Uint8Array;
}

const bytes = z.instanceof(Uint8Array);
const entrySchema = z.object({ topic: z.string(), address: bytes, bytes });
const addressSchema = z.object({ address: bytes });
const outcomes = ['published', 'belowMinimumCohort', 'tooFewReleases', 'sharesInconsistent', 'stopped'] as const;
const roundSchema = z.object({
  number: z.number(),
  plan: bytes,
  startedMs: z.number(),
  survivorsMs: z.number().nullable(),
  outcome: z.enum(outcomes).nullable(),
});
const scheduleSchema = z.object({ settings: bytes, everyMs: z.number(), nextMs: z.number() });
const seenSchema = z.object({ key: bytes, atMs: z.number() });

export interface StoreContext {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly nowMs: () => number;
}

export function federationStore(anchors: Anchors, { database, blobs, nowMs }: StoreContext): FederationStore {
  const { sql } = database;
  const { federation } = anchors;
  const statement = {
    topic: sql.prepare('SELECT topic, address, bytes FROM entries WHERE federation = ? AND topic = ? ORDER BY number'),
    addresses: sql.prepare('SELECT address FROM entries WHERE federation = ? AND topic = ? ORDER BY number'),
    entry: sql.prepare('SELECT topic, address, bytes FROM entries WHERE federation = ? AND address = ? LIMIT 1'),
    post: sql.prepare(
      'INSERT OR IGNORE INTO entries (federation, topic, address, bytes, receivedMs) VALUES (?, ?, ?, ?, ?)',
    ),
    rounds: sql.prepare('SELECT * FROM rounds WHERE federation = ? ORDER BY number'),
    addRound: sql.prepare('INSERT INTO rounds (federation, number, plan, startedMs) VALUES (?, ?, ?, ?)'),
    survivors: sql.prepare('UPDATE rounds SET survivorsMs = ? WHERE federation = ? AND number = ?'),
    outcome: sql.prepare('UPDATE rounds SET outcome = ? WHERE federation = ? AND number = ? AND outcome IS NULL'),
    sequence: sql.prepare(`INSERT INTO commands (federation, sequence) VALUES (?, ?)
      ON CONFLICT (federation) DO UPDATE SET sequence = excluded.sequence WHERE excluded.sequence > commands.sequence`),
    schedule: sql.prepare('SELECT settings, everyMs, nextMs FROM schedules WHERE federation = ?'),
    setSchedule: sql.prepare(
      'INSERT OR REPLACE INTO schedules (federation, settings, everyMs, nextMs) VALUES (?, ?, ?, ?)',
    ),
    dropSchedule: sql.prepare('DELETE FROM schedules WHERE federation = ?'),
    saw: sql.prepare('INSERT OR REPLACE INTO seen (federation, key, atMs) VALUES (?, ?, ?)'),
    seen: sql.prepare('SELECT key, atMs FROM seen WHERE federation = ?'),
    claimBlob: sql.prepare(
      'INSERT OR IGNORE INTO blobs (federation, plan, owner, hash, complete) VALUES (?, ?, ?, ?, 0)',
    ),
    blob: sql.prepare('SELECT hash FROM blobs WHERE federation = ? AND plan = ? AND owner = ?'),
    finishBlob: sql.prepare(
      'UPDATE blobs SET complete = 1 WHERE federation = ? AND plan = ? AND owner = ? AND hash = ?',
    ),
    freeBlob: sql.prepare(
      'DELETE FROM blobs WHERE federation = ? AND plan = ? AND owner = ? AND hash = ? AND complete = 0',
    ),
  };
  // Membership is read at every request and changes rarely. What is posted to it is never part of a larger transaction, which could be undone.
  let members: MembershipReader | undefined;
  let membership: Membership | undefined;

  const topic = (name: string) => statement.topic.all(federation, name).map((row) => entrySchema.parse(row));
  const addresses = (name: string) =>
    statement.addresses.all(federation, name).map((row) => addressSchema.parse(row).address);
  const entry = (address: Uint8Array) => {
    const row = statement.entry.get(federation, address);
    return row === undefined ? undefined : entrySchema.parse(row);
  };
  const post = (name: string, given: Uint8Array): boolean => {
    const address = sha256(given);
    const { changes } = statement.post.run(federation, name, address, given, nowMs());
    if (name === membershipTopic && changes > 0) {
      members?.add(given);
      membership = undefined;
    }
    if (name === signers?.topic && changes > 0) noteSigner(signers.addresses, address, given);
    return changes > 0;
  };
  /** Addresses by signer, of the topic that was asked about last: a round's uploads are megabytes, and each is asked about as it comes. */
  let signers: { readonly topic: string; readonly addresses: Map<string, Uint8Array[]> } | undefined;
  function noteSigner(addressesBySigner: Map<string, Uint8Array[]>, address: Uint8Array, given: Uint8Array): void {
    const signer = claimedSigner(given);
    if (signer === undefined) return;
    const known = addressesBySigner.get(hex(signer));
    if (known === undefined) addressesBySigner.set(hex(signer), [address]);
    else known.push(address);
  }
  function entriesBy(name: string, signer: Uint8Array): readonly StoredEntry[] {
    if (signers?.topic !== name) {
      signers = { topic: name, addresses: new Map() };
      for (const address of addresses(name)) noteSigner(signers.addresses, address, entry(address)?.bytes ?? address);
    }
    return (signers.addresses.get(hex(signer)) ?? []).flatMap((address) => entry(address) ?? []);
  }
  return {
    anchors,
    topic,
    entriesBy,
    addresses,
    entry,
    post,
    membership() {
      if (members === undefined) {
        members = membershipReader(anchors);
        for (const { bytes: message } of topic(membershipTopic)) members.add(message);
      }
      membership ??= members.membership();
      return membership;
    },
    board: (plan) => ({
      async post(name, given) {
        if (name.endsWith('/blobs')) await blobs.write(plan, given);
        else post(name, given);
        return sha256(given);
      },
      list: async (name) => addresses(name),
      read: async (address, _signal, into) => entry(address)?.bytes ?? blobs.read(plan, address, into),
    }),
    rounds: () => statement.rounds.all(federation).map((row) => roundSchema.parse(row)),
    addRound: (number, plan, startedMs) => void statement.addRound.run(federation, number, plan, startedMs),
    setSurvivorsMs: (number, atMs) => void statement.survivors.run(atMs, federation, number),
    setOutcome: (number, outcome) => void statement.outcome.run(outcome, federation, number),
    claimSequence: (sequence) => statement.sequence.run(federation, sequence).changes > 0,
    schedule() {
      const row = statement.schedule.get(federation);
      if (row === undefined) return undefined;
      const { settings, ...times } = scheduleSchema.parse(row);
      const decoded = decodeCanonical(settings, roundSettingsSchema);
      return decoded.ok ? { settings: decoded.value, ...times } : undefined;
    },
    setSchedule(schedule) {
      if (schedule === undefined) statement.dropSchedule.run(federation);
      else {
        const { settings, everyMs, nextMs } = schedule;
        statement.setSchedule.run(federation, encodeCanonical(settings), everyMs, Math.round(nextMs));
      }
    },
    sawMember: (key, atMs) => void statement.saw.run(federation, key, atMs),
    seenMs: () =>
      new Map(
        statement.seen.all(federation).map((row) => {
          const { key, atMs } = seenSchema.parse(row);
          return [hex(key), atMs] as const;
        }),
      ),
    claimBlob({ plan, owner, hash }) {
      statement.claimBlob.run(federation, plan, owner, hash);
      const row = z.object({ hash: bytes }).parse(statement.blob.get(federation, plan, owner));
      return hex(row.hash) === hex(hash);
    },
    finishBlob: ({ plan, owner, hash }) => void statement.finishBlob.run(federation, plan, owner, hash),
    freeBlob: ({ plan, owner, hash }) => void statement.freeBlob.run(federation, plan, owner, hash),
  };
}
