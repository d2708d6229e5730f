import { defineConfig } from 'vitest/config';
import { repository } from './setup/repository.mjs';

/** `npm run test:soak`: hours of work in minutes, apart from `npm test` because it takes them. */
export default defineConfig({
  root: repository,
  test: {
    include: ['test/soak/**/*.test.ts'],
    testTimeout: 30 * 60_000,
    hookTimeout: 180_000,
    fileParallelism: false,
  },
});
