import { expect, test } from 'vitest';
import { checkEmail } from '../src/health/email-check.ts';
import { eventOf } from './support/deliveries.ts';
import { eventAbout, type ReceiptTidings, useReceipts } from './support/receipts.ts';

/** Emails that bounce or are complained about too often: first an alert, then a pause, until someone resumes them. */

const start = useReceipts();
const BOUNCE = { status: '5.1.1', type: 'bounce' };

/** Earlier emails of a type within the window, as their receipts were counted. */
async function count(
  { tidings }: ReceiptTidings,
  type: string,
  { ended, bounced = 0, complained = 0 }: { ended: number; bounced?: number; complained?: number },
  ago = 0,
) {
  const hour = new Date(tidings.clock.now - ago).toISOString();
  for (const of of [type, ''])
    await tidings.database.pool.query(
      `insert into email_counts values ('default', $1, $2::timestamptz, 9, $3, $4, $5)
       on conflict (tenant_id, notification_type, hour, part) do update
       set ended = email_counts.ended + $3, bounced = email_counts.bounced + $4, complained = email_counts.complained + $5`,
      [of, hour, ended, bounced, complained],
    );
}

/** Sends a message and bounces it, or lets its reader complain. */
async function report({ send, sendgrid }: ReceiptTidings, event: string, kind: 'bounce' | 'spamreport', user: string) {
  const id = await send(event, 'sent', user);
  await sendgrid([eventAbout(id, kind, kind === 'bounce' ? BOUNCE : {})]);
}

async function sendHeld({ tidings }: ReceiptTidings, event: string): Promise<string> {
  // A worker reads the pauses now and then.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const [result] = await tidings.ingest([eventOf(event, { user: 'held', traits: { email: 'held@example.com' } })]);
  const id = `${result?.decisions[0]?.notification_id}.email`;
  const holdCode = async () => {
    const { rows } = await tidings.database.pool.query(
      'select status, hold_code from deliveries where notification_id = $1',
      [id.split('.')[0]],
    );
    return rows[0];
  };
  await expect.poll(holdCode, { timeout: 5000 }).toEqual({ status: 'queued', hold_code: 'sending_paused' });
  return id;
}

const sending = async ({ server }: ReceiptTidings) => (await server.get('/api/v1/sending')).body.emails;

test('5% bounces of a type alert; it is shown, and its emails go out', async () => {
  const all = await start();
  await count(all, 'PROMO', { ended: 499, bounced: 24 });
  await count(all, 'NEWS', { ended: 10_000 });
  await report(all, 'promo', 'bounce', 'u2');
  expect(await sending(all)).toEqual([
    {
      notification_type: 'PROMO',
      state: 'alerted',
      since: expect.any(String),
      cause: '25 of 500 emails (5.00%) bounced',
    },
  ]);
  await all.send('promo', 'sent', 'u3');
  const health = await checkEmail(all.tidings.database.pool, () => all.tidings.clock.now).run();
  expect(health).toMatchObject({ status: 'degraded', cause: expect.stringContaining('default (PROMO): 25 of 500') });
});

test('10% bounces of a type pause it and no other; resumed, what was held goes out', async () => {
  const all = await start();
  const { tidings, server } = all;
  await count(all, 'PROMO', { ended: 499, bounced: 49 });
  await count(all, 'NEWS', { ended: 10_000 });
  await report(all, 'promo', 'bounce', 'u2');
  expect(await sending(all)).toMatchObject([{ notification_type: 'PROMO', state: 'paused' }]);
  const held = await sendHeld(all, 'promo');
  await all.send('news', 'sent', 'u3');
  const answer = await server.post('/api/v1/sending/resume', { notification_type: 'PROMO' });
  expect(answer).toMatchObject({ status: 200, body: { notification_type: 'PROMO' } });
  expect(await sending(all)).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  tidings.clock.now += 900_000;
  await tidings.becomes(held, 'sent');
  const { rows } = await tidings.database.pool.query(
    `select action, subject from audit_log where action like 'email.%' order by entry_id`,
  );
  expect(rows).toEqual([
    { action: 'email.paused', subject: 'PROMO' },
    { action: 'email.resumed', subject: 'PROMO' },
  ]);
});

test('bounces of a whole tenant pause every type but SECURITY', async () => {
  const all = await start();
  await count(all, 'NEWS', { ended: 1000, bounced: 200 });
  await report(all, 'promo', 'bounce', 'u2');
  expect(await sending(all)).toMatchObject([{ notification_type: null, state: 'paused' }]);
  await sendHeld(all, 'mail');
  await all.send('code', 'sent', 'u3');
  await all.send('text');
});

test('0.3% complaints pause, and one complaint alone does not even alert', async () => {
  const all = await start();
  await count(all, 'PROMO', { ended: 600 });
  await report(all, 'promo', 'spamreport', 'u2');
  expect(await sending(all)).toEqual([]);
  await count(all, 'PROMO', { ended: 0, complained: 2 });
  await report(all, 'promo', 'spamreport', 'u3');
  expect(await sending(all)).toMatchObject([{ state: 'paused' }, { state: 'paused' }]);
});

test('few emails, those of before yesterday, and soft bounces say nothing', async () => {
  const all = await start();
  await count(all, 'PROMO', { ended: 100, bounced: 90 });
  await count(all, 'PROMO', { ended: 1000, bounced: 900 }, 25 * 3_600_000);
  await report(all, 'promo', 'bounce', 'u2');
  expect(await sending(all)).toEqual([]);
  await count(all, 'NEWS', { ended: 1000, bounced: 49 });
  const id = await all.send('news', 'sent', 'u3');
  await all.sendgrid([eventAbout(id, 'bounce', { status: '4.2.2', type: 'blocked' })]);
  expect(await sending(all)).toEqual([]);
});

test('after it was resumed, what happened before does not pause it again', async () => {
  const all = await start();
  await count(all, 'PROMO', { ended: 499, bounced: 200 });
  await report(all, 'promo', 'bounce', 'u2');
  for (const body of [{}, { notification_type: 'PROMO' }])
    expect((await all.server.post('/api/v1/sending/resume', body)).status).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await report(all, 'promo', 'bounce', 'u3');
  expect(await sending(all)).toEqual([]);
  expect((await all.server.post('/api/v1/sending/resume', { notification_type: 'NEWS' })).status).toBe(404);
});

test('each email is counted once, however many receipts come for it', async () => {
  const all = await start();
  const id = await all.send('promo');
  await all.sendgrid([eventAbout(id, 'delivered')]);
  await all.sendgrid([eventAbout(id, 'open'), eventAbout(id, 'click')]);
  await all.sendgrid([eventAbout(id, 'spamreport')]);
  await all.sendgrid([eventAbout(id, 'spamreport')]);
  const { rows } = await all.tidings.database.pool.query(
    `select notification_type, sum(ended)::int as ended, sum(complained)::int as complained from email_counts group by 1 order by 1`,
  );
  expect(rows).toEqual([
    { notification_type: '', ended: 1, complained: 1 },
    { notification_type: 'PROMO', ended: 1, complained: 1 },
  ]);
});
