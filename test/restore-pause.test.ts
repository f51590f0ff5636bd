import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TestDatabase } from './support/database.ts';
import { emptyDatabase, recordKey, runTidings, temporaryFolder, toEnv } from './support/dumps.ts';
import { type Program, tidingsDirectly } from './support/program.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** After a restore nothing is sent that the dumped installation may have sent since, until an operator decides. */

let tidings: TestTidings;
let target: TestDatabase;
let folder: { path: string; remove: () => Promise<void> };
let file: string;
const programs: Program[] = [];

beforeAll(async () => {
  folder = await temporaryFolder();
  tidings = await testTidings();
  await recordKey(tidings);
  await tidings.ingest(
    ['u1', 'u2', 'u3', 'u4'].map((user_id) => ({
      user_id,
      event_type: 'signup_completed',
      event_timestamp: '2025-11-20T10:00:00Z',
      user_traits: { marketing_opt_in: true, email: `${user_id}@example.com` },
    })),
  );
  // u1 and u2 wait; u2, u3 and u4 must not be sent twice or may; u3 and u4 are being sent.
  await tidings.pool.query(
    `update deliveries set in_doubt_policy = case when user_id in ('u2', 'u3') then 'hold' else 'resend' end,
       created_at = case when user_id = 'u2' then now() + interval '1 hour' else created_at end,
       retry_until = now() + interval '1 day', due_at = now()`,
  );
  await tidings.pool.query(
    `update deliveries set status = 'sending', worker = 'host 1 (1)', claimed_at = now(), send_started = true, attempts = 1, fence = 1
     where user_id in ('u3', 'u4')`,
  );
  await tidings.pool.query(`insert into leases values ('host 1 (1)', now() + interval '1 hour')`);
  file = join(folder.path, 'a.gz');
  await runTidings(['dump', file], env(tidings.database));
});
afterAll(async () => {
  await tidings.close();
  await folder.remove();
});
beforeEach(async () => {
  target = await emptyDatabase();
});
afterEach(async () => {
  for (const program of programs.splice(0)) {
    program.kill('SIGTERM');
    await program.ended;
  }
  await target.drop();
});

const env = (database: { readonly url: string } = target) => toEnv(database, tidings.key, folder.path);

async function statuses(): Promise<{ [user: string]: string }> {
  const { rows } = await target.pool.query('select user_id, status from deliveries order by 1');
  return Object.fromEntries(rows.map((row) => [row.user_id, row.status]));
}

async function restore(...args: string[]): Promise<void> {
  const { code, stderr } = await runTidings(['restore', file, ...args], env());
  expect(stderr).toBe('');
  expect(code).toBe(0);
}

const IN_FLIGHT = { u3: 'in_doubt', u4: 'queued' };

test('workers that start on a restored database send nothing until it is resumed, and then do without a restart', async () => {
  await restore();
  expect(await statuses()).toEqual({ u1: 'queued', u2: 'queued', ...IN_FLIGHT });
  const { rows } = await target.pool.query('select outcome, worker from attempts order by attempt');
  expect(rows.map(({ outcome }) => outcome)).toEqual(['in_doubt', 'in_doubt']);
  expect((await target.pool.query('select from leases')).rows).toEqual([]);

  const program = tidingsDirectly(['start', '--json'], { env: { ...env(), PORT: '0', TIDINGS_POLL: '1s' } });
  programs.push(program);
  const { url } = await program.ready();
  const deliveryCheck = async () => {
    const { checks } = (await (await fetch(`${url}/healthz/ready`)).json()) as { checks: { name: string }[] };
    return checks.find(({ name }) => name === 'delivery');
  };
  expect(await deliveryCheck()).toMatchObject({
    status: 'degraded',
    cause: expect.stringMatching(/^paused since the restore at /),
    hint: expect.stringContaining('run tidings resume'),
  });
  await pause(1500);
  expect(await statuses()).toEqual({ u1: 'queued', u2: 'queued', ...IN_FLIGHT });

  const another = tidingsDirectly(['workers', '--json'], { env: { ...env(), TIDINGS_POLL: '1h' } });
  await another.ready();
  another.kill('SIGTERM');
  expect(await another.ended).toBe(0);

  const resumed = await runTidings(['resume', '--json'], env());
  expect(JSON.parse(resumed.stdout.toString())).toEqual({
    resumed: true,
    held: 1,
    released: 2,
    held_waits: 0,
    skipped_schedules: 0,
  });
  const isSent = (status: string | undefined) => status === 'sent' || status === 'sandboxed';
  for (let tries = 0; tries < 200 && !isSent((await statuses()).u4); tries++) await pause(50);
  const after = await statuses();
  expect([after.u2, after.u3]).toEqual(['in_doubt', 'in_doubt']);
  expect([after.u1, after.u4].every(isSent)).toBe(true);
  await expect.poll(deliveryCheck).toMatchObject({ status: 'ok' });
  expect((await runTidings(['resume'], env())).stdout.toString()).toBe('Nothing is paused.\n');
}, 60_000);

describe('an operator decides what becomes of the deliveries that were open in the dump', () => {
  test.each([
    ['by_type', { u1: 'queued', u2: 'in_doubt' }],
    ['hold', { u1: 'in_doubt', u2: 'in_doubt', u4: 'in_doubt' }],
    ['send', { u1: 'queued', u2: 'queued' }],
  ])('%s', async (open, expected) => {
    await restore();
    await runTidings(['resume', '--open', open], env());
    expect(await statuses()).toEqual({ ...IN_FLIGHT, ...expected });
    const { rows } = await target.pool.query(`select reason from deliveries where user_id = 'u2'`);
    if (open !== 'send') expect(rows[0].reason).toMatch(/^Restored from a dump of .* may have been sent since/);
  });

  test('waits that came due can be held, and released', async () => {
    await restore();
    await target.pool.query(
      `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, state)
       select 'default', u, gen_random_uuid(), 'R', '', 'delay', 1, 'waiting', now(), due, now(), '{}'
       from (values ('past', now() - interval '1 hour'), ('future', now() + interval '1 hour')) as w(u, due)`,
    );
    const resumed = await runTidings(['resume', '--overdue', 'hold', '--json'], env());
    expect(JSON.parse(resumed.stdout.toString())).toMatchObject({ resumed: true, held_waits: 1 });
    const held = 'select user_id from waits where claimed_until is not null';
    expect((await target.pool.query(held)).rows).toEqual([{ user_id: 'past' }]);
    const released = await runTidings(['resume', '--tenant', 'default', '--json'], env());
    expect(JSON.parse(released.stdout.toString())).toEqual({ tenant: 'default', released: 1 });
    expect((await target.pool.query(held)).rows).toEqual([]);
  });

  test.each([
    ['hold', 2, ['future', 'past', 'under way']],
    ['fire', 0, ['future']],
  ])(
    'scheduled rules that came due meanwhile, with --overdue %s: %i occurrences are skipped',
    async (how, skipped, later) => {
      await restore();
      await target.pool.query(
        `insert into schedules (tenant_id, rule, zone, cron, next_at, cursor)
       select 'default', r, 'UTC', '0 9 * * *', at, c
       from (values ('past', now() - interval '3 days', null), ('under way', now() - interval '1 hour', 'u2'),
                    ('future', now() + interval '1 hour', null)) as s(r, at, c)`,
      );
      const resumed = await runTidings(['resume', '--overdue', how, '--json'], env());
      expect(JSON.parse(resumed.stdout.toString())).toMatchObject({ resumed: true, skipped_schedules: skipped });
      const { rows } = await target.pool.query(
        'select rule from schedules where next_at > now() and cursor is null order by 1',
      );
      expect(rows.map(({ rule }) => rule)).toEqual(later);
    },
  );

  test('an unknown way is rejected', async () => {
    const { code, stderr } = await runTidings(['resume', '--open', 'never'], env());
    expect(code).toBe(1);
    expect(stderr).toBe('tidings: --open is "never"; write by_type, hold, send\n');
  });
});

test('with --resume the workers go on at once', async () => {
  await restore('--resume');
  expect((await target.pool.query(`select from metadata where name = 'paused'`)).rows).toEqual([]);
  expect(await statuses()).toEqual({ u1: 'queued', u2: 'queued', ...IN_FLIGHT });
});

test('a tenant that is added has its open deliveries in doubt', async () => {
  await restore('--tenant', 'default');
  expect(await statuses()).toEqual({ u1: 'in_doubt', u2: 'in_doubt', u3: 'in_doubt', u4: 'in_doubt' });
  expect((await target.pool.query(`select from metadata where name = 'paused'`)).rows).toEqual([]);
});
