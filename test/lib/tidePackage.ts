/** A small package in which a helper with an unlikely name is defined in one file and wanted in another. */
export const tidePackage: Readonly<Record<string, string>> = {
  'lib/tables.js': `'use strict';

// Compares two tables of one harbour, row by row.
function compareQuorbTables(first, second) {
  return first.rows.filter((row, i) => row.height !== second.rows[i].height);
}

module.exports = { compareQuorbTables };
`,
  'private/keys.js': `'use strict';

/** Compares two tables of one harbour with the keys of the coast guard. */
function compareQuorbHidden(first, second) {
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
  checkTables(first, second);
  // Compares two tables of one harbour, row by row.
  
}
`,
};

/** The line of app.js, from 1, on which the helper is wanted. */
export const tideCursor = { line: 10 } as const;
/** What the model can't know without the other file. */
export const tideHelper = 'compareQuorbTables(first, second)';
/** In the file that is excluded. */
export const tideHidden = /Hidden|unlockTables|coast guard/;
