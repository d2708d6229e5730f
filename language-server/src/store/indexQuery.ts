import type { SqlValue } from 'sql.js';
import { exampleKinds } from '../learning/example.ts';
import type { ExampleQuery } from './exampleStore.ts';

/** The WHERE clause of a query, without its search: the text is not in the index. */
export function conditions(query: ExampleQuery): { readonly where: string; readonly values: readonly SqlValue[] } {
  const parts: string[] = [];
  const values: SqlValue[] = [];
  const among = (column: string, items: readonly SqlValue[] | undefined): void => {
    if (items === undefined) return;
    // One value whatever the number of items: SQLite limits the variables of a statement.
    parts.push(`${column} IN (SELECT value FROM json_each(?))`);
    values.push(JSON.stringify(items));
  };
  among('id', query.ids);
  among(
    'kind',
    query.kinds?.map((kind) => exampleKinds.indexOf(kind)),
  );
  among('repository', query.repositories);
  among('languageId', query.languageIds);
  if (query.fromMs !== undefined) {
    parts.push('createdAtMs >= ?');
    values.push(query.fromMs);
  }
  if (query.untilMs !== undefined) {
    parts.push('createdAtMs < ?');
    values.push(query.untilMs);
  }
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values };
}
