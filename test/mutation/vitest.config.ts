import { defineConfig } from 'vitest/config';

const { MUTATION_TESTS = '', TEST_DATABASE_URL } = process.env;

/** Only the tests that the runner names (code.ts, sql.ts), each file by itself, and a database only where it gives one. */
export default defineConfig({
  test: {
    include: MUTATION_TESTS.split(','),
    globalSetup: TEST_DATABASE_URL ? ['test/support/postgres.ts'] : [],
    setupFiles: ['test/support/properties.ts', 'test/mutation/properties.ts'],
    provide: { propertySeconds: 60 },
    restoreMocks: true,
    unstubEnvs: true,
    testTimeout: 90_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
  },
});
