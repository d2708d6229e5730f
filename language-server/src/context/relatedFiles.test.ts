import { expect, test } from 'vitest';
import { relatedPaths } from './relatedFiles.ts';

test.each([
  ['src/a.ts', "import { b } from './b.ts';", 'src/b.ts'],
  ['src/a.ts', "import { b } from '../lib/b.js';", 'lib/b.ts'],
  ['src/deep/a.js', "const b = require('../b')", 'src/b.js'],
  ['a.js', "const { b } = require('./b')", 'b/index.js'],
  ['app/views/a.py', 'from ..models.user import User', 'app/models/user.py'],
  ['app/a.py', 'from . import b', 'app/__init__.py'],
  ['src/a.c', '#include "list/list.h"', 'src/list/list.h'],
  ['src/a.cpp', '', 'src/a.hpp'],
  ['src/a.h', '', 'src/a.cc'],
  ['src/a.ts', '', 'src/a.test.ts'],
  ['src/a.test.ts', '', 'src/a.ts'],
  ['test/a.js', '', 'lib/a.js'],
  ['test/a.js', '', 'a.js'],
  ['lib/a.js', '', 'test/a.js'],
  ['tests/test_a.py', '', 'src/a.py'],
])('%s with “%s” belongs with %s', (path, text, related) => {
  expect([...relatedPaths(path, text)]).toContain(related);
});

test('packages and what leads out of the folder are not files of it', () => {
  const related = [...relatedPaths('a.js', "import x from 'react';\nimport y from '../../y.js';")];
  expect(related.some((path) => path.includes('react') || path.startsWith('/') || path === 'y.js')).toBe(false);
});
