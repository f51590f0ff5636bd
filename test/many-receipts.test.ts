import { expect, test } from 'vitest';
import { eventAbout, useReceipts } from './support/receipts.ts';

/** Requests with many receipts: all are taken, or none and the provider gets an error. */

const start = useReceipts();

/** Returns an event that says nothing, as short as one can be. */
const empty = (n: number) => ({ sg_event_id: `e${n}` });

test('a receipt counts wherever it stands among 20,000 of one request', async () => {
  const { tidings, send, sendgrid } = await start();
  const id = await send('mail');
  const others = Array.from({ length: 19_999 }, (_, n) => empty(n));
  expect((await sendgrid([...others, eventAbout(id, 'delivered')])).status).toBe(204);
  expect(await tidings.delivery(id)).toMatchObject({ receipt_state: 'delivered' });
});

test('a request with more is rejected as a whole, for its provider to send it again in parts', async () => {
  const { tidings, send, sendgrid } = await start();
  const id = await send('mail');
  const others = Array.from({ length: 20_000 }, (_, n) => empty(n));
  const answer = await sendgrid([eventAbout(id, 'delivered'), ...others]);
  expect(answer).toMatchObject({ status: 413, body: { code: 'payload_too_large' } });
  expect(answer.body.detail).toContain('20000');
  expect(await tidings.delivery(id)).toMatchObject({ receipt_state: null });
});

test('what is held of a request that found no room for the rest is not held again', async () => {
  const { tidings, sendgrid } = await start();
  const batch = Array.from({ length: 2500 }, (_, n) => ({ ...empty(n), event: 'open', tidings_key: `x${n}` }));
  for (let times = 0; times < 2; times++) expect((await sendgrid(batch)).status).toBe(204);
  expect((await tidings.database.pool.query('select from held_receipts')).rowCount).toBe(2500);
});

test('a complaint counts after any number of opens', async () => {
  const { tidings, send, sendgrid, suppressions } = await start();
  const id = await send('mail');
  const opens = Array.from({ length: 600 }, () => eventAbout(id, 'open', { sg_machine_open: true }));
  await sendgrid(opens);
  await sendgrid(opens.map((_, n) => ({ ...eventAbout(id, 'open', { sg_machine_open: true }), n })));
  await sendgrid([eventAbout(id, 'open'), eventAbout(id, 'spamreport')]);
  expect(await tidings.delivery(id)).toMatchObject({
    receipt_state: 'complained',
    receipt_flags: ['opened', 'machine_opened'],
  });
  expect(await suppressions()).toMatchObject([{ reason: 'complaint' }]);
  const { rows } = await tidings.database.pool.query('select count(*)::int as n from receipts');
  expect(rows[0].n).toBeLessThanOrEqual(202);
});

test('a receipt with an id of any length is recorded once', async () => {
  const { tidings, send, sendgrid } = await start();
  const id = await send('mail');
  const event = eventAbout(id, 'delivered', { sg_event_id: 'x'.repeat(3000) });
  for (let times = 0; times < 2; times++) expect((await sendgrid([event])).status).toBe(204);
  expect(await tidings.delivery(id)).toMatchObject({ receipt_state: 'delivered' });
  expect((await tidings.database.pool.query('select from receipts')).rowCount).toBe(1);
});
