import { describe, expect, test } from 'vitest';
import { openPool } from '../src/store/pg/pool.ts';
import { cableTo } from './support/cable.ts';
import { type DeliveryTidings, eventOf, useDeliveries } from './support/deliveries.ts';
import { DELIVERED, fakeProvider, gatedProvider } from './support/providers.ts';

const start = useDeliveries();

describe('several workers', () => {
  test.each([2, 4])('%i of them send each delivery once', async (count) => {
    const provider = fakeProvider(() => new Promise((resolve) => setImmediate(() => resolve(DELIVERED))), {
      concurrency: 8,
    });
    const tidings = await start({ email: provider });
    const events = Array.from({ length: 500 }, (_, n) => eventOf('mail', { n, user: `u${n % 50}` }));
    await tidings.ingest(events);
    await Promise.all(Array.from({ length: count }, () => tidings.worker()));
    await expect.poll(() => tidings.countDeliveries('sent')).toBe(500);
    expect(provider.calls.length).toBe(500);
    expect(new Set(provider.calls.map((call) => call.idempotencyKey)).size).toBe(500);
  });

  test('one of them claims a long queue in two loops, each under its own lease', async () => {
    const provider = fakeProvider(() => new Promise((resolve) => setImmediate(() => resolve(DELIVERED))), {
      concurrency: 8,
    });
    const tidings = await start({ email: provider });
    const events = Array.from({ length: 300 }, (_, n) => eventOf('mail', { n, user: `u${n % 50}` }));
    await tidings.ingest(events);
    await tidings.worker({ name: 'twofold' });
    await expect.poll(() => tidings.countDeliveries('sent')).toBe(300);
    expect(new Set(provider.calls.map((call) => call.idempotencyKey)).size).toBe(300);
    const { rows } = await tidings.database.pool.query('select distinct worker from deliveries order by worker');
    expect(rows.map((row) => row.worker)).toEqual(['twofold', 'twofold (2)']);
  });

  test('send the oldest due first', async () => {
    const provider = fakeProvider(undefined, { concurrency: 1 });
    const tidings = await start({ email: provider });
    const end = tidings.clock.now;
    // Posted in the reverse order of their due times.
    for (const n of [4, 3, 2, 1, 0]) {
      tidings.clock.now = end - 10_000 + n;
      await tidings.post('mail', { n });
    }
    tidings.clock.now = end;
    await tidings.worker();
    await expect.poll(() => tidings.countDeliveries('sent')).toBe(5);
    expect(provider.calls.map(({ message }) => message.subject)).toEqual([0, 1, 2, 3, 4].map((n) => `Number ${n}`));
  });
});

describe('new work', () => {
  test('NOTIFY wakes the worker at once, with the next poll a minute away', async () => {
    const tidings = await start({ email: fakeProvider() });
    await tidings.worker({ poll: 60_000 });
    const id = await tidings.post('mail');
    await tidings.becomes(id, 'sent');
    // A retry by hand notifies as well.
    await tidings.force('dead');
    await tidings.retry(id);
    await tidings.becomes(id, 'sent', 2);
  });

  test('the poll finds deliveries without NOTIFY', async () => {
    const tidings = await start({ email: fakeProvider() });
    await tidings.worker({ databaseUrl: 'postgres://127.0.0.1:1/nothing' });
    const id = await tidings.post('mail');
    await tidings.becomes(id, 'sent');
  });
});

describe('a lost database connection', () => {
  test('is opened again, with its listener', async () => {
    const tidings = await start({ email: fakeProvider() });
    await tidings.worker();
    const before = await tidings.post('mail');
    await tidings.becomes(before, 'sent');
    await tidings.database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    );
    await expect.poll(() => countListeners(tidings)).toBe(1);
    const after = await tidings.post('mail', { n: 2 });
    await tidings.becomes(after, 'sent');
  });

  test('delays the record of a send until it is back; nothing is sent twice', async () => {
    const gate = gatedProvider();
    const tidings = await start({ email: gate.provider });
    const cable = await cableTo(tidings.database.url);
    const pool = openPool(cable.url, { max: 4, name: 'worker' });
    const worked = await tidings.worker({ pool, databaseUrl: cable.url });
    const id = await tidings.post('mail');
    await expect.poll(() => gate.provider.calls.length).toBe(1);
    cable.cut();
    gate.open();
    await expect(pool.query('select 1')).rejects.toThrow();
    expect((await tidings.delivery(id))?.status).toBe('sending');
    await cable.restore();
    await tidings.becomes(id, 'sent', 1);
    const next = await tidings.post('mail', { n: 2 });
    await tidings.becomes(next, 'sent', 1);
    expect(gate.provider.calls.length).toBe(2);
    await worked.stop();
    await pool.end();
    cable.cut();
  });
});

async function countListeners(tidings: DeliveryTidings): Promise<number> {
  const { rows } = await tidings.database.pool.query<{ count: number }>(
    `select count(*) as count from pg_stat_activity
     where datname = current_database() and application_name = 'tidings wake-up' and query = 'listen tidings_deliveries'`,
  );
  return rows[0]?.count ?? 0;
}
