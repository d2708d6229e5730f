import type { Database } from 'sql.js';

/** Each takes the index one version further; `user_version` is how many have run. Never change one that was released. */
export const migrations: readonly string[] = [
  `CREATE TABLE example (
     id TEXT PRIMARY KEY,
     kind INTEGER NOT NULL,
     repository TEXT NOT NULL,
     path TEXT NOT NULL,
     languageId TEXT NOT NULL,
     createdAtMs REAL NOT NULL,
     contentHash BLOB NOT NULL,
     segment INTEGER NOT NULL,
     offset INTEGER NOT NULL,
     length INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX exampleByTime ON example (createdAtMs);
   CREATE INDEX exampleByContent ON example (contentHash);
   CREATE INDEX exampleBySegment ON example (segment);
   CREATE TABLE mark (segment INTEGER PRIMARY KEY, size INTEGER NOT NULL, sum INTEGER NOT NULL);`,
  // Idioms can't be told without the text: the marks go, so that all segments are read again.
  `ALTER TABLE example ADD COLUMN idiom BLOB;
   CREATE INDEX exampleByIdiom ON example (idiom);
   DELETE FROM mark;`,
];

export const indexVersion = migrations.length;

/** False where a later version of Argot wrote it. */
export function migrate(database: Database): boolean {
  const version = Number(database.exec('PRAGMA user_version')[0]?.values[0]?.[0]);
  if (version > indexVersion) return false;
  for (const [at, sql] of migrations.entries()) {
    if (at < version) continue;
    database.exec(`BEGIN; ${sql} PRAGMA user_version = ${at + 1}; COMMIT;`);
  }
  return true;
}
