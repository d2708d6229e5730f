import { defineConfig } from 'vitest/config';

/** Three suites: beside the source, across real processes with a real model, and in a real editor. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{protocol,language-server,extension}/src/**/*.test.ts',
            'test/*.test.ts',
            'test/lib/*.test.ts',
            'bench/**/*.test.ts',
            'test/golden/*.test.ts',
            'scripts/**/*.test.mjs',
          ],
        },
      },
      {
        test: {
          name: 'processes',
          include: ['test/processes/**/*.test.ts', 'native/tests/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'vscode',
          include: ['test/vscode/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
