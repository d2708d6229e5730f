import { describe, expect, it } from 'vitest';
import { agrees } from './dependencies.mjs';

const wanted = {
  '': { version: '0.1.0' },
  'node_modules/zod': { version: '4.6.7' },
  'node_modules/@esbuild/linux-x64': { version: '0.28.2', optional: true },
};

describe('whether the dependencies are installed', () => {
  it('is true where every package has its version', () => {
    expect(
      agrees(wanted, {
        'node_modules/zod': { version: '4.6.7' },
        'node_modules/@esbuild/linux-x64': { version: '0.28.2' },
      }),
    ).toBe(true);
  });
  it('leaves out optional packages, which may be for another platform', () => {
    expect(agrees(wanted, { 'node_modules/zod': { version: '4.6.7' } })).toBe(true);
  });
  it.each([
    ['a package is absent', {}],
    ['a version differs', { 'node_modules/zod': { version: '4.6.6' } }],
    [
      'an optional version differs',
      { 'node_modules/zod': { version: '4.6.7' }, 'node_modules/@esbuild/linux-x64': { version: '0.1.0' } },
    ],
    ['a package is left over', { 'node_modules/zod': { version: '4.6.7' }, 'node_modules/left': { version: '1.0.0' } }],
  ])('is false where %s', (_what, installed) => {
    expect(agrees(wanted, installed)).toBe(false);
  });
});
