import { defineConfig } from 'vitest/config';

// Two workers: the tests start git, conf and bubblewrap, and must be at home on a small machine.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/fixtures/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 300_000,
    teardownTimeout: 30_000,
    passWithNoTests: false,
    // of one rule's tests, those of all others are not of interest; test/run.ts names what was skipped where that counts
    hideSkippedTests: true,
    allowOnly: false,
    restoreMocks: true,
  },
});
