import { expect, it } from 'vitest';
import { closure } from './stage.mjs';

const lock = {
  'node_modules/app': { dependencies: { shared: '1', own: '1' } },
  'node_modules/shared': {},
  'node_modules/own': { dependencies: { shared: '2' } },
  'node_modules/own/node_modules/shared': { dependencies: { deep: '1' } },
  'node_modules/deep': { dependencies: { app: '1' } },
  'node_modules/stranger': {},
};

it('finds what a package needs where Node would find it, once, and nothing else', () => {
  expect(closure(lock, 'node_modules/app')).toEqual([
    'node_modules/app',
    'node_modules/deep',
    'node_modules/own',
    'node_modules/own/node_modules/shared',
    'node_modules/shared',
  ]);
});

it('says what to do about a package that the lock file lacks', () => {
  expect(() => closure({ 'node_modules/app': { dependencies: { gone: '1' } } }, 'node_modules/app')).toThrow(
    'package-lock.json lacks gone, which node_modules/app needs: run “npm install”.',
  );
});
