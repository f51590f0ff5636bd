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
