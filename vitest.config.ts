import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ensureBuilt } from './scripts/install.mjs';

// Tests start the built program, so it must be current.
await ensureBuilt();

/** The test files that take longest, longest first: one that starts last would run alone, beside an idle core. */
const LONGEST = [
  'processes',
  'process-ends',
  'torture',
  'kafka-sources',
  // Third: it takes a snapshot of a heap, which has the modules of earlier files as well.
  'card-registration',
  'kafka-sinks',
  'inbox-elements',
  'rolling-restart',
  'replica',
  'connector-processes',
  'demo',
  'demo-lending',
  'console-looks',
  'console-pages',
  'api-fuzz',
  'hostile-history',
  'embedded',
  'lost-leases',
  'dump-restore',
  'api-examples',
  'job-processes',
  'console-user',
  'full-disk',
  'console-waits',
  'timer-worker',
  'backtest-reproduction',
  'restore-pause',
  'tenant-plans',
  'cli-doctor',
  'large-event-decisions',
  'batch-priority',
  'arrival-order',
  'timed-arrival-order',
];

/** Soaks, and what takes as long, which `npm test` leaves out unless a word names them, or LONG is set. */
const SOAKS = ['chaos', 'batch-soak', 'soak', 'large-waits-heap', 'large-events-heap'];

/**
 * Files that start, kill and freeze many processes, or try many inputs, the longest first: two thirds of the time of all. Each commit runs one of `TURNS` parts
 * of them; LONG runs all, and a word those that it names.
 */
const IN_TURN = [
  'console-measure',
  'process-ends',
  'embedded',
  'replica',
  'kafka-changes',
  'cli-doctor',
  'address-limits',
  'full-disk',
  'console-connections',
  'job-processes',
  'console-batches',
  'api-fuzz',
  'webhook-relay-kills',
  'dump-kills',
  'failed-start',
  'dump-bounds',
  'console-notifications',
  'inbox-crashes',
  'deleted-tenant',
  'kafka-sinks',
  'restore-one-tenant',
  'rolling-restart',
  'migrate-command',
  'restore-pause',
  'demo-lending',
  'lost-leases',
  'required-facts',
  'tenant-move',
  'damaged-dumps',
  'bench',
  'card-registration',
  'hostile-history',
  'hostile-receipts',
  'idempotency-processes',
  'rule-fuzz',
  'tenant-setting',
  'client-restarts',
  'posted-values',
  'connector-processes',
  'dump-tenants',
  'fuzz-events',
  'doubted-accounts',
  'cli-terminal',
  'kafka-outbox-torture',
  'preference-page-browser',
  'cli-stop',
  'batch-audiences',
  'pools-apart',
  'deleted-while-frozen',
  'catalog-schema-words',
  'limits',
  'failed-waits-process',
  'pooler-transactions',
  'demo',
  'console-routes',
  'direct-crashes',
  'console-login',
  'cli-profiles',
  'slow-endpoint',
  'timed-arrival-order',
  'api-login',
  'dump-restore',
  'console-user',
  'console-preferences',
  'tenant-callers',
  'secrets-sweep',
  'console-waits',
  'inbox-elements',
  'console-deliveries',
  'routes-failover',
  'console-catalog',
  'console-rules',
  'retention-job',
  'console-activity',
  'console-timeline',
  'connectors',
  'key-rotation',
  'mcp',
  'webhook-fan-out',
  'console-commands',
  'console-tasks',
  'direct-sends',
  'consent-import',
  'batch-recipients',
  'console-webhooks',
  'git-hooks',
  'cli-init',
  'interrupted-install',
  'timeouts',
  'kafka-idle-topics',
  'console-govern',
  'stop-without-database',
  'cli-tail',
  'limits-of-processes',
  'killed-senders',
  'marketing-law',
  'unsubscribe',
  'dead-letter-jobs',
  'killed-before-claim',
  'console-roles',
];
const TURNS = 5;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.indexOf(basename(moduleId, '.test.ts'));
      return found < 0 ? LONGEST.length : found;
    };
    if (!process.env.LONG)
      console.log(
        `Part ${turn + 1} of ${TURNS} of ${IN_TURN.length} long test files; LONG=1 npm test runs all of them.`,
      );
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

/** The time limit of a property, in which one that fails is shrunk as well (test/support/properties.ts). */
const propertySeconds = Number(process.env.PROPERTY_SECONDS ?? 120);

/** A number that follows from the commit; undefined where there is none. */
function numberOfCommit(): number | undefined {
  try {
    return Number.parseInt(execFileSync('git', ['rev-parse', 'HEAD'], { stdio: 'pipe' }).toString().slice(0, 7), 16);
  } catch {
    return undefined;
  }
}

/**
 * The seed of all properties: PROPERTY_SEED; on a build server that of the commit, so that a commit is judged once and for all and
 * the next one looks elsewhere; otherwise another one for each run.
 */
function chooseSeed(): number {
  if (process.env.PROPERTY_SEED) return Number(process.env.PROPERTY_SEED);
  return (process.env.CI ? numberOfCommit() : undefined) ?? Math.floor(Math.random() * 0x7fffffff);
}

/** The part of the long files that this commit runs, from 0. */
const turn = (numberOfCommit() ?? 0) % TURNS;

/** The files that are left out, as patterns. */
function chooseExcluded(): string[] {
  if (process.env.LONG) return [];
  const others = IN_TURN.filter((_, index) => index % TURNS !== turn);
  return [...SOAKS, ...others].map((name) => `test/${name}.test.ts`);
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: chooseExcluded(),
    globalSetup: ['test/support/postgres.ts'],
    // Two cores, and tests that wait for other processes.
    maxWorkers: 3,
    // Loading modules again for each file takes a tenth of the time. Global changes of a test are restored instead.
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    sequence: { sequencer: LongestFirst },
    setupFiles: ['test/support/properties.ts'],
    provide: { propertySeconds, propertySeed: chooseSeed() },
    // npm run coverage: of the code that runs in the test process; a program that a test starts does not count.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'packages/mcp/src/**/*.ts'],
      reporter: ['text-summary', 'html', 'lcov'],
      reportsDirectory: 'coverage',
    },
    testTimeout: (propertySeconds + 30) * 1000,
    hookTimeout: 60_000,
    // The longest wait for an expected state; a busy machine is no failure.
    expect: { poll: { timeout: 15_000 } },
  },
});
