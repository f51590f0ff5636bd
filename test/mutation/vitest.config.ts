import { relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const { MUTATION_TESTS = '', TEST_DATABASE_URL } = process.env;
/** Test files, relative to the root: those that the runner names (code.ts, sql.ts). */
const tests = MUTATION_TESTS.split(',');

/** The first test that fails ends the run: files run in the order in which they are named, the quickest first. */
class AsNamed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      tests.indexOf(relative(process.cwd(), moduleId).replaceAll('\\', '/'));
    return [...files].sort((a, b) => place(a) - place(b));
  }
}

/** Each file by itself (what is computed once is mutated, too), and a database only where the runner gives one. */
export default defineConfig({
  test: {
    include: tests,
    globalSetup: TEST_DATABASE_URL ? ['test/support/postgres.ts'] : [],
    sequence: { sequencer: AsNamed },
    setupFiles: ['test/support/properties.ts', 'test/mutation/properties.ts'],
    provide: { propertySeconds: 60 },
    restoreMocks: true,
    unstubEnvs: true,
    testTimeout: 90_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
  },
});
