import type { SqlJsStatic } from 'sql.js';
import initSqlJs from 'sql.js/dist/sql-wasm-inline.js';

/** SQLite with its WebAssembly in the script itself, so that nothing is looked for on the disk. */
export function loadSqlite(): Promise<SqlJsStatic> {
  return initSqlJs();
}
