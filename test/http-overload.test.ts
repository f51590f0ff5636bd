import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem, payment, type TestApi, testApi } from './support/api.ts';
import { type TestServer, testServer } from './support/http.ts';
import { countLockWaits, openUnreachablePool, otherProcess } from './support/processes.ts';

let api: TestApi;
let server: TestServer;

beforeAll(async () => {
  api = await testApi();
  server = api.server;
});

afterAll(() => api.close());

describe('the API without free capacity or without its database', () => {
  test('rejects a request with 503 and Retry-After if too many events wait, and decides the waiting ones', async () => {
    const { tidings } = api;
    const small = await testServer(otherProcess(tidings, { maxWaiting: 1 }, tidings.catalogs));
    const { release } = await api.tidings.holdUsers(['blocked']);
    const slow = small.post('/api/v1/events', payment({ user_id: 'blocked' }));
    await expect.poll(() => countLockWaits(api.tidings)).toBe(1);

    const event = payment({ event_id: 'overload' });
    const rejected = await small.post('/api/v1/events', event);
    expectProblem(rejected, { status: 503, code: 'overloaded' });
    expect(rejected.headers.get('retry-after')).toBe('1');
    expect(await countStored('overload')).toBe(0);

    await release();
    expect((await slow).body.accepted).toBe(1);
    expect((await small.post('/api/v1/events', event)).body.accepted).toBe(1);
    await small.close();
  });

  test('rejects a request with 503 if bodies of 64 MiB wait', async () => {
    const others = Array.from({ length: 20 }, (_, n) => `blocked beside it ${n}`);
    const { release } = await api.tidings.holdUsers(['blocked by size', ...others]);
    const slow = [server.post('/api/v1/events', payment({ user_id: 'blocked by size' }))];
    await expect.poll(() => countLockWaits(api.tidings)).toBe(1);
    // A second small batch runs beside the first.
    slow.push(...others.map((user_id) => server.post('/api/v1/events', payment({ user_id }))));
    await expect.poll(() => countLockWaits(api.tidings)).toBe(2);
    const blanks = ' '.repeat(5_000_000);
    const large = Array.from({ length: 14 }, (_, n) =>
      server.post('/api/v1/events', `${blanks}${JSON.stringify(payment({ user_id: `large ${n}` }))}`),
    );
    expectProblem(await Promise.race(large), { status: 503, code: 'overloaded' });
    await release();
    expect((await Promise.all(slow)).every(({ status }) => status === 202)).toBe(true);
    expect((await Promise.all(large)).map(({ status }) => status).sort()).toEqual([...Array(13).fill(202), 503]);
  });

  test('answers 503 and stores nothing if the database connection is cut, and accepts the same event again', async () => {
    const { release } = await api.tidings.holdUsers(['cut off']);
    const event = payment({ user_id: 'cut off', event_id: 'cut', properties: { attempt_number: 3 } });
    const answer = server.post('/api/v1/events', event);
    await expect.poll(() => countLockWaits(api.tidings)).toBe(1);
    await api.tidings.database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and wait_event = 'advisory'`,
    );
    const rejected = await answer;
    expectProblem(rejected, { status: 503, code: 'unavailable' });
    expect(rejected.headers.get('retry-after')).toBe('2');
    await release();
    expect(await countStored('cut')).toBe(0);
    expect((await server.post('/api/v1/events', event)).body.accepted).toBe(1);
    expect(await countStored('cut')).toBe(1);
  });

  test('answers 503 without a database, and is live but not ready', async () => {
    const { tidings } = api;
    const pool = await openUnreachablePool();
    const away = await testServer(otherProcess(tidings, { pool }, tidings.catalogs));
    expectProblem(await away.post('/api/v1/events', payment()), { status: 503, code: 'unavailable' });
    expectProblem(await away.get('/api/v1/audit/unknown'), { status: 503, code: 'unavailable' });
    const ready = await away.get('/healthz/ready');
    expect(ready).toMatchObject({
      status: 503,
      body: { status: 'not_ready', checks: [{ name: 'database', status: 'failing' }] },
    });
    expect((await away.get('/healthz/live')).status).toBe(200);
    await away.close();
    await pool.end();
  });

  async function countStored(eventId: string): Promise<number> {
    const { rows } = await api.tidings.database.pool.query<{ count: number }>(
      'select count(*) as count from events where event_id = $1',
      [eventId],
    );
    return rows[0]?.count ?? 0;
  }
});
