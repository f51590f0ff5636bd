import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { INSTALLATION_SCOPES, systemActor } from '../src/model/principal.ts';
import { Keys } from '../src/tenants/keys.ts';
import { ROOT_KEY, tryKey } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

let tidings: TestTidings;
let api: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  api = await testServer(tidings, { apiKeys: [ROOT_KEY] });
});

afterAll(async () => {
  await api.close();
  await tidings.close();
});

const MANAGER = {
  tenantId: 'default',
  environment: 'live',
  actor: systemActor('test'),
  scopes: new Set(INSTALLATION_SCOPES),
} as const;

const REQUEST = {
  name: 'rotated',
  environment: 'live',
  scopes: ['users:read'],
  isInstallation: false,
  perMinute: null,
  expiresAt: null,
} as const;

/** Returns a pool whose process is killed before its statement of this number: its connection breaks, and there is no other. */
function killedBefore(pool: pg.Pool, statement: number): { pool: pg.Pool; wasKilled: () => boolean } {
  let sent = 0;
  let killed = false;
  const connect = async () => {
    if (killed) throw new Error('killed');
    const client = await pool.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
    return Object.assign(Object.create(client), {
      async query(...args: unknown[]) {
        if (killed) throw new Error('killed');
        if (++sent === statement) {
          killed = true;
          await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
          throw new Error('killed');
        }
        return query(...args);
      },
      release: () => client.release(true),
    });
  };
  return { pool: { connect } as unknown as pg.Pool, wasKilled: () => killed };
}

test('a process that is killed at any step of a rotation leaves the old key as it was, or both keys', async () => {
  const clock = () => tidings.clock.now;
  const { pool } = tidings.database;
  let steps = 0;
  for (let statement = 1; ; statement++) {
    const { text, key } = await new Keys(pool, clock).create(MANAGER, REQUEST);
    const cut = killedBefore(pool, statement);
    const result = await new Keys(cut.pool, clock).rotate(MANAGER, key.key_id, 60_000).catch(() => null);
    const { rows } = await pool.query('select key_id from api_keys where rotated_from = $1', [key.key_id]);
    const { rows: entries } = await pool.query(
      `select 1 from audit_log where subject = $1 and action = 'key.rotated'`,
      [key.key_id],
    );
    expect([rows.length, entries.length]).toEqual(result ? [1, 1] : [0, 0]);
    expect(await tryKey(api, text)).toEqual([200]);
    const again = await new Keys(pool, clock).rotate(MANAGER, key.key_id, 60_000).catch((error) => error.code);
    expect(again).toEqual(result ? 'key_ended' : expect.objectContaining({ text: expect.any(String) }));
    if (!cut.wasKilled()) break;
    steps++;
  }
  // begin, lock, load, room, count, insert, update, audit, notify, commit
  expect(steps).toBeGreaterThanOrEqual(8);
});
