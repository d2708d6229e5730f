import { expect, test } from 'vitest';
import { type InFlight, typedSince } from './inFlight.ts';
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
  return {
    place: at(document),
    documentVersion: 1,
    controller: new AbortController(),
    generated,
    typed: '',
    waiting: 1,
  };
}

test.each([
  ['what was typed is what it wrote', 'let a = fo‸;', 'o(b', 'let a = foo‸;', 'o'],
  ['it has not come so far', 'let a = fo‸;', '', 'let a = foo(‸;', 'o('],
  ['something else was typed', 'let a = fo‸;', 'o(b', 'let a = for‸;', undefined],
  ['the cursor went back', 'let a = fo‸;', '', 'let a = f‸;', undefined],
  ['the text before changed', 'let a = fo‸;', '', 'let b = foo‸;', undefined],
  ['the text after changed', 'let a = fo‸;', '', 'let a = foo‸)', undefined],
])('%s', (_, began, generated, now, typed) => {
  expect(typedSince(flying(began, generated), at(now))).toBe(typed);
});

test('a stopped generation is nothing to wait for', () => {
  const flight = flying('let a = fo‸;', '');
  flight.controller.abort();
  expect(typedSince(flight, at('let a = foo‸;'))).toBeUndefined();
});
