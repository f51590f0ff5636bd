import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { findPgBouncer, type PgBouncer, startPgBouncer } from './support/pgbouncer.ts';
import { type Program, tidings } from './support/program.ts';
import { FINTECH } from './support/tidings.ts';

/**
 * PgBouncer in transaction mode, with the address of PostgreSQL itself beside it: everything works. Each transaction may have
 * another session, which has prepared nothing, and no settings but those of its role.
 */

const CALLS = 400;
const LANES = 16;

let database: TestDatabase;
let pooler: PgBouncer;
const programs: Program[] = [];

function settings(): { readonly [name: string]: string } {
  const apiUrl = new URL(pooler.url);
  apiUrl.username = new URL(database.apiUrl).searchParams.get('user') as string;
  return {
    DATABASE_URL: pooler.url,
    TIDINGS_API_DATABASE_URL: apiUrl.href,
    TIDINGS_DIRECT_DATABASE_URL: database.url,
    PORT: '0',
    TIDINGS_CATALOG: FINTECH,
    TIDINGS_ENCRYPTION_KEY: btoa('k'.repeat(32)),
  };
}

function start(env: { readonly [name: string]: string }): Program {
  const program = tidings(['start', '--json'], { env });
  programs.push(program);
  return program;
}

describe.skipIf(!findPgBouncer())('behind PgBouncer in transaction mode', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    database = await testDatabase();
    pooler = await startPgBouncer(database.url, 'transaction');
  });

  afterAll(async () => {
    for (const program of programs) program.killGroup('SIGKILL');
    await Promise.all(programs.map(({ ended }) => ended));
    pooler?.stop();
    await database?.drop();
  });

  test('each call is served, duplicates included, and a killed process loses nothing', async () => {
    let program = start(settings());
    let { url } = await program.ready();
    const startedAt = Date.now() - CALLS;
    const statuses = new Map<number, number>();
    const post = async (n: number) => {
      const event = {
        event_id: `event-${n}`,
        user_id: `user-${n % 40}`,
        event_type: 'signup_completed',
        event_timestamp: new Date(startedAt + n).toISOString(),
        user_traits: { email: `user-${n % 40}@example.com`, country: 'PT', marketing_opt_in: true },
      };
      for (;;) {
        try {
          const response = await fetch(`${url}/api/v1/events`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify([event, event]),
          });
          statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
          await response.arrayBuffer();
          return;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    };
    let next = 0;
    const lanes = Promise.all(
      Array.from({ length: LANES }, async () => {
        while (next < CALLS) {
          const n = next++;
          await post(n);
          // The same once more: a unique violation inside a round trip of several statements.
          if (n % 4 === 0) await post(n);
        }
      }),
    );
    await expect.poll(() => next, { interval: 5 }).toBeGreaterThan(CALLS / 2);
    program.killGroup('SIGKILL');
    await program.ended;
    program = start(settings());
    ({ url } = await program.ready());
    await lanes;
    expect([...statuses.keys()]).toEqual([202]);
    const { rows } = await database.pool.query<{ stored: number }>('select count(*)::int as stored from events');
    expect(rows[0]?.stored).toBe(CALLS);
    await expect
      .poll(async () => {
        const open = `select count(*)::int as open from deliveries where status in ('queued', 'sending')`;
        return (await database.pool.query<{ open: number }>(open)).rows[0]?.open;
      })
      .toBe(0);

    const response = await fetch(`${url}/healthz/ready`);
    expect(await response.json()).toMatchObject({ status: 'ready' });
    const audit = await fetch(`${url}/api/v1/audit/user-1`);
    expect(audit.status, await audit.clone().text()).toBe(200);
  });

  test('a session of the pooler has the settings that statements rely on', async () => {
    const client = new pg.Client({ connectionString: pooler.url });
    await client.connect();
    const { rows } = await client.query(
      `select current_setting('plan_cache_mode') as mode, current_setting('lock_timeout') as wait`,
    );
    await client.end();
    expect(rows).toEqual([{ mode: 'force_generic_plan', wait: '20s' }]);
  });

  test('the doctor finds nothing wrong', async () => {
    const program = tidings(['doctor', '--json'], { env: settings() });
    await program.ended;
    const { checks } = JSON.parse(program.stdout) as { checks: { check: string; status: string; detail: string }[] };
    const found = checks.filter(({ check }) => ['sessions', 'tenants', 'schema'].includes(check));
    expect(
      found.map(({ status }) => status),
      program.stdout,
    ).toEqual(['ok', 'ok', 'ok']);
    expect(found.find(({ check }) => check === 'sessions')?.detail).toContain('transaction mode');
  });

  test('a start says what to do if the pooler has sessions from before', async () => {
    const other = await testDatabase();
    const before = await startPgBouncer(other.url, 'transaction');
    try {
      const client = new pg.Client({ connectionString: before.url });
      await client.connect();
      await client.query('select 1');
      const env = { ...settings(), DATABASE_URL: before.url, TIDINGS_DIRECT_DATABASE_URL: other.url };
      const program = start(env);
      expect(await program.ended).toBe(1);
      expect(program.output).toMatch(
        /tidings: DATABASE_URL leads to a connection pooler whose server connections lack .*RECONNECT/,
      );
      await client.end();
    } finally {
      before.stop();
      await other.drop();
    }
  });
});
