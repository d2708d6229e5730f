/** A small package in which a helper with an unlikely name is defined in one file and wanted in another. */
export const tidePackage: Readonly<Record<string, string>> = {
  'lib/tables.js': `'use strict';

// Joins two tables of one harbour, row by row.
function mergeQuorbTables(first, second) {
  const rows = first.rows.map((row, i) => ({ ...row, low: second.rows[i].low }));
  return { rows };
}

module.exports = { mergeQuorbTables };
`,
  'private/keys.js': `'use strict';

/** Joins two tables of one harbour with the keys of the coast guard. */
function mergeQuorbHidden(first, second) {
  return unlockTables(first, second);
}
`,
  'lib/other.js': `'use strict';

function colourOf(height) {
  return height > 4 ? 'red' : 'green';
}

module.exports = { colourOf };
`,
  'app.js': `'use strict';

const { readTable } = require('./reader');

function harbourTable(harbour) {
  const first = readTable(harbour, 'high');
  const second = readTable(harbour, 'low');
  // Joins two tables of one harbour, row by row.
  
}
`,
};

/** The line of app.js, from 1, on which the helper is wanted. */
export const tideCursor = { line: 9 } as const;
/** What the model can't know without the other file. */
export const tideHelper = 'mergeQuorbTables(first, second)';
/** In the file that is excluded. */
export const tideHidden = /Hidden|unlockTables|coast guard/;
