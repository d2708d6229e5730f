import { defineConfig } from 'vitest/config';

/**
 * Three suites: beside the source, across real processes with a real model, and in a real editor. They run one after
 * another, since the later ones keep every core busy and measure time.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: [
            '{protocol,language-server,coordinator,extension}/src/**/*.test.ts',
            'demo/*.test.ts',
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
          sequence: { groupOrder: 1 },
          include: ['test/processes/**/*.test.ts', 'native/tests/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Most of them wait for processes more than they compute.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'vscode',
          sequence: { groupOrder: 2 },
          include: ['test/vscode/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          // A browser, an editor and a model on two cores: what fails twice is a fault, what fails once may be a stall.
          retry: 1,
          fileParallelism: false,
        },
      },
    ],
  },
});
