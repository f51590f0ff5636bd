import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NotifyListener } from '../src/store/pg/listener.ts';
import { checkSessions } from '../src/store/pg/pooler.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { findPgBouncer, type PgBouncer, startPgBouncer } from './support/pgbouncer.ts';
import { type Program, tidings } from './support/program.ts';
import { FINTECH } from './support/tidings.ts';

/** PgBouncer rejects timeouts as startup parameters: no connection may send those of DATABASE_URL that way. */

let database: TestDatabase;
let pooler: PgBouncer;
const programs: Program[] = [];

describe.skipIf(!findPgBouncer())('timeouts in a URL that leads to PgBouncer', () => {
  beforeAll(async () => {
    database = await testDatabase();
    pooler = await startPgBouncer(database.url, 'session');
  });

  afterAll(async () => {
    for (const program of programs) program.killGroup('SIGKILL');
    await Promise.all(programs.map(({ ended }) => ended));
    pooler.stop();
    await database.drop();
  });

  const withTimeouts = () =>
    `${pooler.url}?lock_timeout=12345&statement_timeout=23s&idle_in_transaction_session_timeout=11000&query_timeout=30000`;

  test('do not prevent the check of the sessions', async () => {
    await expect(checkSessions(withTimeouts())).resolves.toBeUndefined();
  });

  test('do not prevent listening', async () => {
    let calls = 0;
    const listener = new NotifyListener(withTimeouts(), 'pooler_test', () => calls++);
    await listener.start();
    expect(calls).toBe(1);
    await database.pool.query('notify pooler_test');
    await expect.poll(() => calls).toBe(2);
    await listener.stop();
  });

  test('a whole process starts, listens and uses them', { timeout: 60_000 }, async () => {
    const program = tidings(['start', '--json'], {
      env: {
        DATABASE_URL: withTimeouts(),
        PORT: '0',
        TIDINGS_CATALOG: FINTECH,
        TIDINGS_ENCRYPTION_KEY: btoa('k'.repeat(32)),
      },
    });
    programs.push(program);
    const { url } = await program.ready();
    const response = await fetch(`${url}/healthz/ready`);
    expect(await response.json()).toMatchObject({ status: 'ready' });
    const { rows } = await database.pool.query(
      `select count(*)::int as listening from pg_stat_activity where application_name = 'tidings wake-up'`,
    );
    expect(rows[0].listening).toBeGreaterThan(0);
  });
});
