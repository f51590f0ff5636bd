import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ensureBuilt } from './scripts/install.mjs';

// Tests start the program as it is now.
await ensureBuilt();

/** Those that take longest, in their order: one of them begun last would run on alone, beside an idle core. */
const LONGEST = [
  'torture',
  'console',
  'processes',
  'embedded',
  'backtest-reproduction',
  'arrival-order',
  'timed-arrival-order',
  'limits',
  'readme',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.indexOf(basename(moduleId, '.test.ts'));
      return found < 0 ? LONGEST.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

/** How long a property may take; one that fails is made smaller meanwhile (test/support/properties.ts). */
const propertySeconds = Number(process.env.PROPERTY_SECONDS ?? 120);

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/postgres.ts'],
    // Two cores, and tests that wait for what other processes do.
    maxWorkers: 3,
    // What each file would load anew takes a tenth of the time; what a test changed for all is put back.
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    sequence: { sequencer: LongestFirst },
    setupFiles: ['test/support/properties.ts'],
    provide: { propertySeconds },
    testTimeout: (propertySeconds + 30) * 1000,
    hookTimeout: 60_000,
    // How long a test waits for what must come; a busy machine is no failure.
    expect: { poll: { timeout: 15_000 } },
  },
});
