import { expect, test } from 'vitest';
import { eventOf, useDeliveries } from './support/deliveries.ts';
import { fakeProvider } from './support/providers.ts';

const start = useDeliveries();

test('deliveries whose notifications are gone are settled as dead with a reason, and block no others', async () => {
  const provider = fakeProvider(undefined, { concurrency: 1 });
  const tidings = await start({ email: provider, internal: fakeProvider() });
  const { pool } = tidings.database;
  // More than one claim takes, and due longer than the one that is still there.
  await tidings.ingest(Array.from({ length: 35 }, (_, n) => eventOf('mail', { n })));
  await pool.query('delete from notifications');
  tidings.clock.now += 1000;
  const id = await tidings.post('mail');
  const worker = await tidings.worker();
  await tidings.becomes(id, 'sent', 1);
  expect(await tidings.countDeliveries('dead')).toBe(35);
  expect(provider.calls.length).toBe(1);
  await expect.poll(() => worker.busy).toBe(0);
  const { rows } = await pool.query(
    `select distinct status, attempts, reason_code, reason, finished_at is not null as finished, send_started
     from deliveries where notification_id <> $1`,
    [id.split('.')[0]],
  );
  expect(rows).toEqual([
    {
      status: 'dead',
      attempts: 0,
      reason_code: 'notification_gone',
      reason: 'Its notification is no longer stored, so there is nothing to send: the partition was dropped.',
      finished: true,
      send_started: false,
    },
  ]);
});

test('dead letters whose notifications are gone are dead again after a retry', async () => {
  const tidings = await start({ email: fakeProvider() });
  const { pool } = tidings.database;
  const id = await tidings.post('mail');
  await tidings.force('dead');
  await pool.query('delete from notifications');
  expect(await tidings.retry(id)).toBe(true);
  await tidings.worker();
  await tidings.becomes(id, 'dead', 0);
  expect((await tidings.delivery(id))?.reason_code).toBe('notification_gone');
});
