import { expect, test } from 'vitest';
import { importedNamesUsed } from './importedNames.ts';

test.each([
  ["import { readHeader, type Header } from '@lib/a';\nimport other from './b';\n\nreadHeader(", ['readHeader']],
  ["const { readHeader } = require('a');\nconst b = require('b');\n\nb.use(readHeader(1), ", ['readHeader', 'b']],
  ['from app.models import User, Team as Group\n\nuser = User(Group.', ['Group', 'User']],
  ["import * as path from 'node:path';\npath.", ['path']],
  ["import { unused } from 'a';\n", []],
  ['const total = count(1);\ntotal', []],
])('%s', (before, names) => {
  const found = importedNamesUsed(before);
  expect(found.map(({ name }) => name)).toEqual(names);
  for (const { name, offset } of found) expect(before.slice(offset)).toMatch(new RegExp(`^${name}\\b`));
});
