import { DatabaseSync } from 'node:sqlite';

/**
 * One file holds everything but payloads. Each step of a round is one transaction, on disk before it is answered: a
 * coordinator that is killed finds itself before a step or behind it.
 */
export interface Database extends Disposable {
  readonly sql: DatabaseSync;
  /** All of it or nothing. */
  transaction<Result>(work: () => Result): Result;
}

const schema = `
CREATE TABLE IF NOT EXISTS federations (
  id BLOB PRIMARY KEY, lead BLOB NOT NULL, createdMs INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS entries (
  number INTEGER PRIMARY KEY, federation BLOB NOT NULL, topic TEXT NOT NULL, address BLOB NOT NULL, bytes BLOB NOT NULL,
  receivedMs INTEGER NOT NULL, UNIQUE (federation, topic, address)
) STRICT;
CREATE INDEX IF NOT EXISTS entriesByAddress ON entries (federation, address);
CREATE TABLE IF NOT EXISTS rounds (
  federation BLOB NOT NULL, number INTEGER NOT NULL, plan BLOB NOT NULL, startedMs INTEGER NOT NULL,
  survivorsMs INTEGER, outcome TEXT, PRIMARY KEY (federation, number)
) STRICT;
CREATE TABLE IF NOT EXISTS commands (
  federation BLOB PRIMARY KEY, sequence INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS schedules (
  federation BLOB PRIMARY KEY, settings BLOB NOT NULL, everyMs INTEGER NOT NULL, nextMs INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS seen (
  federation BLOB NOT NULL, key BLOB NOT NULL, atMs INTEGER NOT NULL, PRIMARY KEY (federation, key)
) STRICT;
CREATE TABLE IF NOT EXISTS blobs (
  federation BLOB NOT NULL, plan BLOB NOT NULL, owner BLOB NOT NULL, hash BLOB NOT NULL, complete INTEGER NOT NULL,
  PRIMARY KEY (federation, plan, owner)
) STRICT;
CREATE TABLE IF NOT EXISTS audit (
  number INTEGER PRIMARY KEY, atMs INTEGER NOT NULL, line TEXT NOT NULL, hash BLOB NOT NULL
) STRICT;
`;

export function openDatabase(file: string): Database {
  const sql = new DatabaseSync(file);
  sql.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;',
  );
  sql.exec(schema);
  let depth = 0;
  return {
    sql,
    transaction(work) {
      if (depth > 0) return work();
      sql.exec('BEGIN IMMEDIATE');
      depth++;
      try {
        const result = work();
        sql.exec('COMMIT');
        return result;
      } catch (error) {
        // A full disk may have ended the transaction already.
        if (sql.isTransaction) sql.exec('ROLLBACK');
        throw error;
      } finally {
        depth--;
      }
    },
    [Symbol.dispose]: () => sql.close(),
  };
}
