import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/postgres.ts'],
    // Two cores, and a PostgreSQL beside us.
    maxWorkers: 2,
    setupFiles: ['test/support/properties.ts'],
    // Longer than a property may take (test/support/properties.ts).
    testTimeout: (Number(process.env.PROPERTY_SECONDS ?? 60) + 30) * 1000,
    hookTimeout: 60_000,
    // How long a test waits for what must come; a busy machine is no failure.
    expect: { poll: { timeout: 15_000 } },
  },
});
