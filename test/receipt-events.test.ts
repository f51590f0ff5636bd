import { expect, test } from 'vitest';
import { ReceiptChecker } from '../src/receipts/receipt-checker.ts';
import { eventAbout, type ReceiptTidings, useReceipts } from './support/receipts.ts';
import { silent } from './support/tidings.ts';

/** Effects of receipts: events for rules, the next channel, and what is done when none comes. */

const start = useReceipts();
const RULES = `
  ON_DELIVERED: { on: notification.delivered, notify: none, do: { set: { delivered: true } } }
  ON_OPENED: { on: { notification: MAIL, is: opened }, notify: none, do: { set: { opened: true } } }
  ON_CLICKED: { on: { notification: MAIL, is: clicked }, notify: none, do: { set: { clicked: true } } }
  ON_BOUNCED: { on: { notification: MAIL, is: bounced }, notify: none, do: { set: { bounced: true } } }
`;

async function listEvents({ tidings }: ReceiptTidings) {
  const { rows } = await tidings.database.pool.query('select event from outbox_events order by event_id');
  return rows.map(({ event }) => event.event_type);
}

test('rules receive what receipts say, each once, and of nothing before', async () => {
  const all = await start({ rules: RULES });
  const id = await all.send('mail');
  expect(await listEvents(all)).toEqual([]);
  await all.sendgrid([eventAbout(id, 'open', { sg_machine_open: true })]);
  expect(await listEvents(all)).toEqual(['notification.delivered']);
  await all.sendgrid([eventAbout(id, 'open'), eventAbout(id, 'click'), eventAbout(id, 'delivered')]);
  await all.sendgrid([eventAbout(id, 'open')]);
  expect(await listEvents(all)).toEqual(['notification.clicked', 'notification.delivered', 'notification.opened']);
});

test('a bounce is an event with its reason', async () => {
  const all = await start({ rules: RULES });
  const id = await all.send('mail');
  await all.sendgrid([eventAbout(id, 'bounce', { status: '5.1.1', type: 'bounce' })]);
  const { rows } = await all.tidings.database.pool.query('select event from outbox_events');
  expect(rows[0]?.event).toMatchObject({
    event_type: 'notification.bounced',
    properties: { notification_type: 'MAIL', channel: 'email', reason: '5.1.1 bounce' },
  });
});

test('channels that are tried until one delivered: a receipt cancels the others', async () => {
  const { tidings, send, sendgrid } = await start({ until: 'delivered' });
  const id = await send('steps');
  const sms = id.replace('.email', '.sms');
  expect((await tidings.delivery(sms))?.status).toBe('queued');
  await sendgrid([eventAbout(id, 'delivered')]);
  expect(await tidings.delivery(sms)).toMatchObject({ status: 'cancelled', reason_code: 'reached' });
});

test('until opened: a delivery alone leaves the next channel waiting, an open cancels it', async () => {
  const { tidings, send, sendgrid } = await start({ until: 'opened' });
  const id = await send('steps');
  const sms = id.replace('.email', '.sms');
  await sendgrid([eventAbout(id, 'delivered'), eventAbout(id, 'open', { sg_machine_open: true })]);
  expect((await tidings.delivery(sms))?.status).toBe('queued');
  await sendgrid([eventAbout(id, 'click')]);
  expect((await tidings.delivery(sms))?.status).toBe('cancelled');
});

test('a bounce makes the next channel due at once', async () => {
  const { tidings, send, sendgrid } = await start({ until: 'delivered' });
  const id = await send('steps');
  await sendgrid([eventAbout(id, 'bounce', { status: '5.1.1', type: 'bounce' })]);
  await tidings.becomes(id.replace('.email', '.sms'), 'sent');
});

test('a suppressed address makes the next channel due at once', async () => {
  const { tidings, send, server } = await start({ until: 'delivered' });
  await server.post('/api/v1/suppressions', { channel: 'email', address: 'u1@example.com' });
  const id = await send('steps', 'dropped');
  await tidings.becomes(id.replace('.email', '.sms'), 'sent');
});

test('without a receipt in time the provider is asked once, then the delivery is unconfirmed until one comes', async () => {
  const all = await start({ rules: RULES });
  const { tidings, send, sendgrid, twilio } = all;
  const [mail, text] = [await send('mail'), await send('text')];
  const asked: string[] = [];
  const { catalogs, seal, database } = tidings;
  const checker = new ReceiptChecker({
    pool: database.pool,
    catalogs,
    seal,
    clock: () => tidings.clock.now,
    log: silent,
    findAccount: async () => ({
      ...all.sms,
      poll: async (id) => {
        asked.push(id);
        return null;
      },
    }),
  });
  await checker.check();
  expect(asked).toEqual([]);
  tidings.clock.now += 7 * 3_600_000;
  await checker.check();
  await checker.check();
  const sid = (await tidings.delivery(text))?.provider_message_id as string;
  expect(asked.length).toBe(2);
  expect(asked).toContain(sid);
  expect(await tidings.delivery(text)).toMatchObject({ status: 'sent', receipt_state: 'unconfirmed' });
  expect(await listEvents(all)).toEqual(['notification.delivered', 'notification.delivered']);
  await twilio({ MessageSid: sid, MessageStatus: 'undelivered', ErrorCode: '30003' });
  await sendgrid([eventAbout(mail, 'delivered')]);
  expect(await tidings.delivery(text)).toMatchObject({ receipt_state: 'failed' });
  expect(await tidings.delivery(mail)).toMatchObject({ receipt_state: 'delivered' });
  expect((await listEvents(all)).length).toBe(2);
});

test('a message whose check was interrupted is checked again, and those behind it at once', async () => {
  const all = await start({ rules: RULES });
  const { tidings, send } = all;
  const ids = [await send('mail'), await send('mail', 'sent', 'u2')];
  const { catalogs, seal, database } = tidings;
  let isBroken = true;
  const pool = new Proxy(database.pool, {
    get(target, name) {
      if (name === 'connect' && isBroken) {
        isBroken = false;
        return async () => {
          throw new Error('the connection was lost');
        };
      }
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const clock = () => tidings.clock.now;
  const checker = new ReceiptChecker({ pool, catalogs, seal, clock, log: silent, findAccount: async () => undefined });
  const states = async () => {
    const found = await Promise.all(ids.map((id) => tidings.delivery(id)));
    return found.map((delivery) => delivery?.receipt_state ?? null).sort();
  };
  tidings.clock.now += 7 * 3_600_000;
  await checker.check();
  expect(await states()).toEqual([null, 'unconfirmed']);
  tidings.clock.now += 3_600_000;
  await checker.check();
  expect(await states()).toEqual(['unconfirmed', 'unconfirmed']);
});
