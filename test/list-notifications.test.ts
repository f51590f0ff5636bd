import { expect, test } from 'vitest';
import { FACT_VERSION } from '../src/model/webhook.ts';
import { useNotifications } from './support/notifications.ts';

/** The list of notifications among what else has deliveries. */

const at = useNotifications();

test('a page without a match has a next one, however many facts for endpoints are among what it looked at', async () => {
  const { tidings, server } = at();
  const { pool } = tidings.database;
  for (let n = 0; n < 3; n++) {
    const event_timestamp = new Date(tidings.clock.now).toISOString();
    await tidings.ingest(
      Array.from({ length: 400 }, (_, i) => ({ user_id: `u${n} ${i}`, event_type: 'signed_up', event_timestamp })),
    );
    tidings.clock.now += 1000;
  }
  const { rows } = await pool.query('select notification_id from notifications order by notification_id');
  const [oldest, newest] = [rows[0].notification_id, rows.at(-1)?.notification_id];
  await pool.query(`update notifications set notification_type = 'PROMO' where notification_id = $1`, [oldest]);
  await pool.query('update notifications set catalog_version = $2 where notification_id = $1', [newest, FACT_VERSION]);
  const found: string[] = [];
  let pages = 0;
  for (let after = ''; pages < 10; pages++) {
    const { body } = await server.get(`/api/v1/notifications?type=PROMO&limit=50${after}`);
    found.push(...body.notifications.map((one: { notification_id: string }) => one.notification_id));
    if (body.next === null) break;
    after = `&after=${body.next}`;
  }
  expect(found).toEqual([oldest]);
  expect(pages).toBe(1);
});

test('what is held is listed with its time and why; what ended has neither', async () => {
  const { send, server, tidings, user, becomes } = at();
  await user('u1', { email: 'maria@example.com', phone: '+351912345678' });
  const [{ notification_id: id }] = (await send({ type: 'STEPS' })).body.results;
  const list = async () => (await server.get('/api/v1/notifications?user_id=u1')).body.notifications[0].deliveries;
  const later = new Date(tidings.clock.now + 3_600_000).toISOString();
  expect(await list()).toMatchObject([
    { channel: 'email', status: 'queued', hold_code: 'fallback', due_at: later },
    { channel: 'sms', status: 'queued', hold_code: null, due_at: expect.any(String) },
  ]);
  await server.post(`/api/v1/notifications/${id}/cancel`);
  await becomes(id, 'cancelled');
  expect(await list()).toMatchObject([
    { hold_code: null, due_at: null },
    { hold_code: null, due_at: null },
  ]);
});
