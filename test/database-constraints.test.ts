import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from './support/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(() => database.drop());

describe('the database', () => {
  const ID = '01900000-0000-7000-8000-000000000001';
  const delivery = (status: string, worker: string, finished: string, policy = 'resend', started = 'null') =>
    `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, status, due_at, retry_until,
       in_doubt_policy, worker, created_at, finished_at, started_at, duration_ms)
     values ('t', '${ID}', 'email', 'u', 'N', '${status}', now(), now(), '${policy}', ${worker}, now(), ${finished},
       ${started}, case when ${started} is not null then 1 end)`;
  const attempt = (outcome: string) =>
    `insert into attempts (tenant_id, notification_id, channel, attempt, provider, worker, started_at, duration_ms, outcome)
     values ('t', '${ID}', 'email', 1, 'p', 'w', now(), 0, '${outcome}')`;
  const use = (slot: number) =>
    `insert into limit_uses (tenant_id, user_id, limit_key, bucket, slot, event_time, event_id, notification_id)
     values ('t', 'u', 'R once', 'ever', ${slot}, now(), 'e', '${ID}')`;
  const address = (kind: string) =>
    `insert into addresses (tenant_id, user_id, kind, sealed, key_id, hash, mask, updated_at)
     values ('t', 'u', '${kind}', '', 'k', 'h', 'm', now())`;
  const key = `insert into event_ids (tenant_id, key, content_hash, user_id, event_time) values ('t', '${ID}', '${ID}', 'u', now())`;
  const catalog = (version: number) =>
    `insert into catalog_contents values ('h', '{}') on conflict do nothing;
     insert into catalogs (tenant_id, version, content_hash, applied_at, applied_by)
     values ('t', ${version}, 'h', now(), 'test')`;

  test.each([
    ['a delivery being sent without a worker', delivery('sending', 'null', 'null'), '23514'],
    ['an attempt that delivered on a dead delivery', delivery('dead', "'w'", 'now()', 'hold', 'now()'), '23514'],
    ['a queued delivery that is finished', delivery('queued', 'null', 'now()'), '23514'],
    ['a delivery being sent that is finished', delivery('sending', "'w'", 'now()'), '23514'],
    ['a sent delivery that is not finished', delivery('sent', 'null', 'null'), '23514'],
    ['a dead delivery that is not finished', delivery('dead', 'null', 'null'), '23514'],
    ['an unknown state', delivery('lost', 'null', 'now()'), '23514'],
    ['an unknown policy', delivery('queued', 'null', 'null', 'hope'), '23514'],
    ['two deliveries of one notification on one channel', repeat(delivery('queued', 'null', 'null')), '23505'],
    ['an unknown outcome', attempt('perhaps'), '23514'],
    ['one attempt twice', repeat(attempt('sent')), '23505'],
    ['a limit used below its first slot', use(0), '23514'],
    ['a "once" twice', repeat(use(1)), '23505'],
    ['an address of an unknown kind', address('pigeon'), '23514'],
    ['two email addresses of one user', repeat(address('email')), '23505'],
    ['one event id twice', repeat(key), '23505'],
    ['a catalog before the first', catalog(0), '23514'],
    ['one version twice', repeat(catalog(1)), '23505'],
    ['an active version that was never applied', `insert into active_catalogs values ('t', 99)`, '23503'],
  ])('rejects %s', async (_name, sql, code) => {
    await expect(database.pool.query(sql)).rejects.toMatchObject({ code });
  });

  test.each([
    delivery('queued', 'null', 'null'),
    delivery('sending', "'w'", 'null'),
    delivery('sent', 'null', 'now()', 'hold'),
    delivery('sent', "'w'", 'now()', 'hold', 'now()'),
    delivery('dead', 'null', 'now()'),
    attempt('in_doubt'),
    use(1),
    address('phone'),
    key,
    catalog(1),
  ])('accepts %s', async (sql) => {
    const connection = await database.pool.connect();
    await connection.query('begin');
    await connection.query(sql);
    await connection.query('rollback');
    connection.release();
  });

  /** Both in one transaction, so that nothing is left behind. */
  function repeat(sql: string): string {
    return `${sql}; ${sql}`;
  }
});
