import { expect, test } from 'vitest';
import { canJoin, type InFlight } from './inFlight.ts';
import type { Place } from './place.ts';

/** ‸ marks the cursor. */
function at(document: string): Place {
  const offset = document.indexOf('‸');
  const replaceFrom = { line: 0, character: offset };
  return {
    uri: 'a',
    offset,
    documentOffset: offset,
    prefix: document.slice(0, offset),
    suffix: document.slice(offset + 1),
    lead: '',
    replaceFrom,
  };
}

function flying(document: string, generated: string): InFlight {
  return { place: at(document), documentVersion: 1, controller: new AbortController(), generated, waiting: 1 };
}

test.each([
  ['what was typed is what it wrote', 'let a = fo‸;', 'o(b', 'let a = foo‸;', true],
  ['it has not come so far', 'let a = fo‸;', '', 'let a = foo(‸;', true],
  ['something else was typed', 'let a = fo‸;', 'o(b', 'let a = for‸;', false],
  ['the cursor went back', 'let a = fo‸;', '', 'let a = f‸;', false],
  ['the text before changed', 'let a = fo‸;', '', 'let b = foo‸;', false],
  ['the text after changed', 'let a = fo‸;', '', 'let a = foo‸)', false],
])('%s', (_, began, generated, now, joins) => {
  expect(canJoin(flying(began, generated), at(now))).toBe(joins);
});

test('a stopped generation is nothing to wait for', () => {
  const flight = flying('let a = fo‸;', '');
  flight.controller.abort();
  expect(canJoin(flight, at('let a = foo‸;'))).toBe(false);
});
