import type { Database, ParamsObject, SqlJsStatic, SqlValue, Statement } from 'sql.js';
import { type Example, type ExampleKind, exampleKinds } from '../learning/example.ts';
import type { ExampleCounts, ExampleQuery } from './exampleStore.ts';
import { conditions } from './indexQuery.ts';
import { migrate } from './migrations.ts';
import { idiomOf } from './storedExample.ts';

/** Where an example's line stands. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}
export interface Entry extends Place {
  readonly id: string;
}
/** A segment as it was when the index was saved; one that differs now is read again. */
export interface SegmentMark {
  readonly size: number;
  readonly sum: number;
}

/**
 * Everything about the examples but their text, in SQLite, in memory: where each line stands, and what is asked for. It
 * holds nothing that the segments do not, so a lost one is built again from them.
 */
export interface ExampleIndex extends Disposable {
  put(example: Example, place: Place): void;
  /** Many changes at once cost less so. */
  together(changes: () => void): void;
  remove(ids: readonly string[]): void;
  /** Forgets all lines of a segment: it is gone, or it is read again. */
  forgetSegment(segment: number): void;
  find(ids: readonly string[]): readonly Entry[];
  /** In the order of the query; `search` is not looked at, since the text is not here. */
  select(query: ExampleQuery): readonly Entry[];
  counts(query: ExampleQuery): ExampleCounts;
  hasContent(kind: ExampleKind, contentHash: string): boolean;
  countIdiom(example: Example): number;
  /** The ids of those older than this, and of the oldest beyond this many. */
  outdated(beforeMs: number, most: number): readonly string[];
  /** Segments that hold at least one example. */
  segments(): ReadonlySet<number>;
  /** Bytes of the database, with the marks of the segments that it was made from. */
  save(marks: ReadonlyMap<number, SegmentMark>): Buffer;
}

export interface LoadedIndex {
  readonly index: ExampleIndex;
  readonly marks: ReadonlyMap<number, SegmentMark>;
}

/** Undefined where the bytes, whose sum was checked, are not a database of a version that this code knows. */
export function loadIndex(sql: SqlJsStatic, bytes: Buffer | undefined): LoadedIndex | undefined {
  const database = new sql.Database(bytes);
  try {
    if (!migrate(database)) throw new Error('The index is of a later version.');
    set(database);
    const marks = new Map<number, SegmentMark>();
    for (const row of rowsOf(database, 'SELECT segment, size, sum FROM mark', [])) {
      marks.set(Number(row.segment), { size: Number(row.size), sum: Number(row.sum) });
    }
    return { index: createIndex(database), marks };
  } catch (error) {
    database.close();
    if (bytes === undefined) throw error;
    return undefined;
  }
}

/** Deleted rows leave nothing in the file; nothing else is written that would have to be undone after a crash. */
function set(database: Database): void {
  database.exec('PRAGMA secure_delete = ON; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF');
}

function createIndex(database: Database): ExampleIndex {
  const rows = (sql: string, values: readonly SqlValue[]) => rowsOf(database, sql, values);
  const inTransaction = (change: () => void): void => {
    database.run('BEGIN');
    change();
    database.run('COMMIT');
  };
  let inserting: Statement | undefined;
  return {
    put(example, { segment, offset, length }) {
      inserting ??= database.prepare(insertion);
      inserting.run([
        example.id,
        exampleKinds.indexOf(example.kind),
        example.repository,
        example.path,
        example.languageId,
        example.createdAtMs,
        asBytes(example.contentHash),
        asBytes(idiomOf(example)),
        segment,
        offset,
        length,
      ]);
    },
    together: inTransaction,
    remove(ids) {
      inTransaction(() => {
        for (const id of ids) database.run('DELETE FROM example WHERE id = ?', [id]);
      });
    },
    forgetSegment(segment) {
      database.run('DELETE FROM example WHERE segment = ?', [segment]);
    },
    find: (ids) =>
      ids.flatMap((id) => rows('SELECT id, segment, offset, length FROM example WHERE id = ?', [id]).map(asEntry)),
    select(query) {
      const { where, values } = conditions(query);
      const direction = query.order === 'oldestFirst' ? 'ASC' : 'DESC';
      const limit = query.search === undefined ? (query.limit ?? -1) : -1;
      const offset = query.search === undefined ? (query.offset ?? 0) : 0;
      return rows(
        `SELECT id, segment, offset, length FROM example ${where}
         ORDER BY createdAtMs ${direction}, segment ${direction}, offset ${direction} LIMIT ? OFFSET ?`,
        [...values, limit, offset],
      ).map(asEntry);
    },
    counts(query) {
      const { where, values } = conditions(query);
      const byKind = { accepted: 0, partial: 0, corrected: 0, typedInstead: 0, undone: 0, ownHistory: 0 };
      const byRepository = new Map<string, number>();
      const times: number[] = [];
      let total = 0;
      for (const row of rows(
        `SELECT kind, repository, COUNT(*) AS count, MIN(createdAtMs) AS oldest, MAX(createdAtMs) AS newest
         FROM example ${where} GROUP BY kind, repository`,
        values,
      )) {
        const [count, repository] = [Number(row.count), String(row.repository)];
        byKind[kindAt(row.kind)] += count;
        byRepository.set(repository, (byRepository.get(repository) ?? 0) + count);
        times.push(Number(row.oldest), Number(row.newest));
        total += count;
      }
      return total === 0
        ? { total, byKind, byRepository }
        : { total, byKind, byRepository, oldestMs: Math.min(...times), newestMs: Math.max(...times) };
    },
    hasContent: (kind, hash) =>
      rows('SELECT 1 FROM example WHERE contentHash = ? AND kind = ? LIMIT 1', [
        asBytes(hash),
        exampleKinds.indexOf(kind),
      ]).length > 0,
    countIdiom: (example) =>
      Number(rows('SELECT COUNT(*) AS count FROM example WHERE idiom = ?', [asBytes(idiomOf(example))])[0]?.count),
    outdated(beforeMs, most) {
      const old = rows('SELECT id FROM example WHERE createdAtMs < ?', [beforeMs]);
      const over = rows(
        'SELECT id FROM example ORDER BY createdAtMs DESC, segment DESC, offset DESC LIMIT -1 OFFSET ?',
        [most],
      );
      return [...new Set([...old, ...over].map((row) => String(row.id)))];
    },
    segments: () => new Set(rows('SELECT DISTINCT segment FROM example', []).map((row) => Number(row.segment))),
    save(marks) {
      inTransaction(() => {
        database.run('DELETE FROM mark');
        for (const [segment, { size, sum }] of marks) {
          database.run('INSERT INTO mark (segment, size, sum) VALUES (?, ?, ?)', [segment, size, sum]);
        }
      });
      const { buffer, byteOffset, byteLength } = database.export();
      // Exporting opens the database anew: statements and settings are gone.
      inserting = undefined;
      set(database);
      return Buffer.from(buffer, byteOffset, byteLength);
    },
    [Symbol.dispose]: () => database.close(),
  };
}

const insertion = `INSERT OR REPLACE INTO example
  (id, kind, repository, path, languageId, createdAtMs, contentHash, idiom, segment, offset, length)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

function rowsOf(database: Database, sql: string, values: readonly SqlValue[]): ParamsObject[] {
  const statement = database.prepare(sql);
  try {
    statement.bind([...values]);
    const found: ParamsObject[] = [];
    while (statement.step()) found.push(statement.getAsObject());
    return found;
  } finally {
    statement.free();
  }
}

function asEntry(row: ParamsObject): Entry {
  return {
    id: String(row.id),
    segment: Number(row.segment),
    offset: Number(row.offset),
    length: Number(row.length),
  };
}

function kindAt(value: SqlValue | undefined): ExampleKind {
  const kind = exampleKinds[Number(value)];
  if (kind === undefined) throw new Error(`The index knows no kind ${String(value)}.`);
  return kind;
}

function asBytes(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}
