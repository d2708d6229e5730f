import { expect, test } from 'vitest';
import { checkSettings } from '#protocol/settings.ts';
import { createExcluder } from './excluder.ts';

const byDefault = createExcluder(checkSettings({}).settings.exclude);

test.each([
  ['file:///home/me/shop/.env', true],
  ['file:///home/me/shop/.env.local', true],
  ['file:///home/me/.ssh/id_rsa', true],
  ['file:///c%3A/shop/server.pem', true],
  ['file:///home/me/shop/src/env.ts', false],
  ['untitled:Untitled-1', false],
])('%s excluded: %s', (uri, excluded) => {
  expect(byDefault(uri)).toBe(excluded);
});

test('no patterns exclude nothing', () => {
  expect(createExcluder([])('file:///.env')).toBe(false);
});
