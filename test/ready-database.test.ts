import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildHealth, type HealthParts } from '../src/health/build-health.ts';
import { openPool } from '../src/store/pg/pool.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Ready says what the database, its disk, its sessions, the clock and the queues are like. */

let tidings: TestTidings;
let pool: ReturnType<typeof openPool>;

beforeAll(async () => {
  tidings = await testTidings();
  pool = openPool(tidings.database.url, { max: 2, name: 'health of a test' });
});

afterAll(async () => {
  await pool.end();
  await tidings.close();
});

async function ready(parts: Partial<HealthParts> = {}) {
  const health = buildHealth({
    pool,
    pools: [tidings.pool],
    dataDir: null,
    loadCatalogVersion: async () => 1,
    findCatalogProblem: () => undefined,
    clock: Date.now,
    getClockOffset: () => 0,
    state: { stopping: false },
    loops: [],
    listOpenCircuits: () => [],
    dumps: null,
    ...parts,
  });
  const { status, body } = await health.ready();
  const notOk = (body.checks ?? []).filter((check) => check.status !== 'ok');
  return { status, overall: body.status, names: body.checks?.map(({ name }) => name), notOk };
}

test('lists each check by name, and is ready', async () => {
  expect(await ready()).toEqual({
    status: 200,
    overall: 'ready',
    names: [
      'database',
      'settings',
      'disk',
      'clock',
      'catalog',
      'event_loop',
      'waits',
      'routes',
      'email',
      'dead_letters',
      'overdue',
    ],
    notOk: [],
  });
});

test('a disk that is full is not ready, one that is nearly full is degraded', async () => {
  const { checkDisk } = await import('../src/health/disk-check.ts');
  const GB = 2 ** 30;
  const run = (size: number, free: number, files = 0, ffree = 0) =>
    checkDisk(pool, '/data', async () => ({ bsize: 1, blocks: size, bavail: free, files, ffree })).run();
  expect(await run(100 * GB, 50 * GB)).toEqual({ status: 'ok' });
  expect(await run(100 * GB, 0.5 * GB)).toMatchObject({
    status: 'degraded',
    cause: 'the disk of the data directory has 512 MB free',
    hint: expect.stringContaining('add space'),
  });
  expect(await run(100 * GB, 0.03 * GB)).toMatchObject({ status: 'failing' });
  expect(await run(GB, 0.2 * GB)).toEqual({ status: 'ok' });
  expect(await run(100 * GB, 50 * GB, 1e6, 10)).toMatchObject({ status: 'failing', cause: /10 free files/ });
});

test('what PostgreSQL says about a full disk elsewhere is not ready; a bound of temporary files says nothing', async () => {
  const { checkDisk } = await import('../src/health/disk-check.ts');
  const full = (code: string) =>
    ({
      connect: async () => ({
        query: async (text: string) => {
          if (text.includes('generate_series')) throw Object.assign(new Error('could not write'), { code });
        },
        release() {},
      }),
    }) as unknown as typeof pool;
  expect(await checkDisk(full('53100'), null).run()).toMatchObject({
    status: 'failing',
    cause: 'PostgreSQL reports that its disk is full',
  });
  expect(await checkDisk(full('53400'), null).run()).toEqual({ status: 'ok' });
});

test('sessions that have lost their settings are replaced and reported', async () => {
  const own = openPool(tidings.database.url, { max: 1, name: 'reset' });
  await own.query('discard all');
  const { status, overall, notOk } = await ready({ pools: [own] });
  expect({ status, overall }).toEqual({ status: 200, overall: 'degraded' });
  expect(notOk).toMatchObject([
    {
      name: 'settings',
      status: 'degraded',
      cause: expect.stringMatching(/lost its settings \(.*enable_seqscan/),
      hint: expect.stringContaining('resets sessions'),
    },
  ]);
  expect((await ready({ pools: [own] })).notOk).toEqual([]);
  const { rows } = await own.query("select current_setting('enable_seqscan') as setting");
  expect(rows).toEqual([{ setting: 'off' }]);
  await own.end();
});

test('a clock that is off is named with the offset', async () => {
  const { overall, notOk } = await ready({ getClockOffset: () => 3600_000 });
  expect(overall).toBe('degraded');
  expect(notOk).toMatchObject([
    { name: 'clock', cause: 'the clock of this process is 3600 s ahead of the clock of the database' },
  ]);
});

test('a queue that is locked is degraded, and the answer comes within a second or so', async () => {
  const { pool: database } = tidings.database;
  const lock = await database.connect();
  await lock.query('begin; lock table deliveries in access exclusive mode');
  const startedAt = performance.now();
  const { status, notOk } = await ready();
  expect(performance.now() - startedAt).toBeLessThan(3000);
  await lock.query('rollback');
  lock.release();
  expect(status).toBe(200);
  const inTime = { status: 'degraded', cause: expect.stringContaining('in time') };
  expect(notOk).toMatchObject([
    { name: 'dead_letters', ...inTime },
    { name: 'overdue', ...inTime },
  ]);
});

test('work that is due and not claimed is named by queue, with since when and how much', async () => {
  const due = (ms: number) => new Date(Date.now() - ms).toISOString();
  const { pool: database } = tidings.database;
  await database.query(
    `insert into outbox_events (tenant_id, user_id, event_id, event, due_at, claimed_until) values
       ($1, 'u', 'late', '{}', $2, null), ($1, 'u', 'claimed', '{}', $2, now() + interval '1 hour'),
       ($1, 'u', 'abandoned', '{}', $2, now() - interval '1 hour'), ($1, 'u', 'recent', '{}', $3, null)`,
    [TENANT, due(600_000), due(10_000)],
  );
  await database.query(
    `insert into schedules (tenant_id, rule, zone, cron, next_at) values ($1, 'R', 'UTC', '0 * * * *', $2)`,
    [TENANT, due(120_000)],
  );
  await tidings.ingest([
    {
      user_id: 'u',
      event_type: 'signup_completed',
      event_timestamp: '2025-11-20T11:59:00Z',
      user_traits: { email: 'u@example.com', marketing_opt_in: true },
    },
  ]);
  const { status, notOk } = await ready();
  expect(status).toBe(200);
  expect(notOk).toMatchObject([
    {
      name: 'overdue',
      status: 'degraded',
      since: '2025-11-20T12:01:00.000Z',
      cause: 'due for more than 60 s and not claimed: 1 email delivery, 1 schedule, 2 outbox events',
      hint: expect.stringContaining('check that workers run'),
    },
  ]);
});
