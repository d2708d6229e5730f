import { expect, it } from 'vitest';
import { createKeptLines } from './keptLines.ts';

it('knows what examples of a file hold, whatever its indentation, until examples go', () => {
  const kept = createKeptLines();
  kept.keep('a.js', 'return total(cart)\n}\n');
  expect(kept.isFresh('a.js', '  return total(cart)')).toBe(false);
  expect(kept.isFresh('b.js', 'return total(cart)')).toBe(true);
  expect(kept.isFresh('a.js', 'return other(cart)')).toBe(true);
  // Everybody's lines are worth no reaching for.
  expect(kept.isFresh('a.js', '});')).toBe(false);
  kept.forget();
  expect(kept.isFresh('a.js', 'return total(cart)')).toBe(true);
});

it('remembers the files of late only', () => {
  const kept = createKeptLines();
  for (let i = 0; i < 201; i++) kept.keep(`${i}.js`, 'return total(cart)\n');
  expect(kept.isFresh('0.js', 'return total(cart)')).toBe(true);
  expect(kept.isFresh('1.js', 'return total(cart)')).toBe(false);
});
