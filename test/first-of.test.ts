import { expect, test } from 'vitest';
import { deliveryCatalog, eventOf, useDeliveries } from './support/deliveries.ts';
import { DELIVERED, fakeProvider } from './support/providers.ts';

/** Channels that are tried one after the other, and messages that expire. */

const start = useDeliveries();
const MINUTE = 60_000;
const TRAITS = { email: 'maria@example.com', phone: '+15550100' };

const CATALOG = (options: string) =>
  deliveryCatalog({
    'events.yaml': 'events: { news: {} }',
    'notifications.yaml': `notifications: { NEWS: { category: TRANSACTIONAL, ${options} } }`,
    'rules.yaml': 'rules: { NEWS: { on: news } }',
    ...Object.fromEntries(
      ['push.en.txt', 'sms.en.txt', 'email.en.txt', 'email.en.subject.txt']
        .filter((file) => options.includes(file.split('.')[0] ?? ''))
        .map((file) => [`templates/NEWS/${file}`, 'Hello']),
    ),
  });

async function tell(providers: Parameters<typeof start>[0], options: string) {
  const tidings = await start(providers);
  // The files of other types are not wanted.
  await tidings.apply(new Map([...CATALOG(options)].filter(([file]) => !/^templates\/(?!NEWS)/.test(file))));
  const [result] = await tidings.ingest([eventOf('news', { traits: TRAITS })]);
  const notification = result?.decisions[0]?.notification_id;
  const id = (channel: string) => `${notification}.${channel}`;
  await tidings.worker();
  return { tidings, id };
}

const FIRST_OF = 'channels: { first_of: [push, sms, email], wait: 10m }';

test('the first channel that is sent cancels the others', async () => {
  const { tidings, id } = await tell({ push: fakeProvider(), sms: fakeProvider() }, FIRST_OF);
  await tidings.becomes(id('push'), 'sent');
  expect(await tidings.delivery(id('sms'))).toMatchObject({
    status: 'cancelled',
    reason_code: 'reached',
    reason: 'Not needed: the message reached the user by push.',
  });
  expect((await tidings.delivery(id('email')))?.status).toBe('cancelled');
});

test('a channel that fails for good makes the next one due at once, and moves those after it', async () => {
  const { tidings, id } = await tell(
    { push: fakeProvider(() => ({ kind: 'rejected', reason: 'no' })), sms: fakeProvider() },
    'channels: { first_of: [push, sms, email], wait: 10m, until: delivered }',
  );
  const now = tidings.clock.now;
  await tidings.becomes(id('push'), 'dead');
  await tidings.becomes(id('sms'), 'sent');
  expect((await tidings.delivery(id('sms')))?.attempts_made).toBe(1);
  const email = await tidings.delivery(id('email'));
  expect(email).toMatchObject({ status: 'queued', due_at: new Date(now + 10 * MINUTE).toISOString() });
});

test('a channel that fails after its turn came makes the next one due at once, whatever went out before it', async () => {
  const sms = fakeProvider(() => ({ kind: 'rejected', reason: 'no' }));
  const { tidings, id } = await tell(
    { push: fakeProvider(), sms, email: fakeProvider() },
    'channels: { first_of: [push, sms, email], wait: 10m, until: delivered }',
  );
  await tidings.becomes(id('push'), 'sent');
  tidings.clock.now += 10 * MINUTE;
  await tidings.becomes(id('sms'), 'dead');
  // No receipt says that the push message arrived, and its time is over.
  await tidings.becomes(id('email'), 'sent');
});

test('a channel that only tries again keeps the next one waiting for its time, after which both may be sent', async () => {
  const push = fakeProvider(({ attempt }) =>
    attempt < 3 ? { kind: 'retry', reason: 'busy', after: 6 * MINUTE } : DELIVERED,
  );
  const sms = fakeProvider();
  const { tidings, id } = await tell({ push, sms }, FIRST_OF);
  await tidings.becomes(id('push'), 'queued', 1);
  expect(sms.calls).toEqual([]);
  tidings.clock.now += 10 * MINUTE;
  await tidings.becomes(id('sms'), 'sent');
  // The other try is no longer needed, unless it went out at the same time.
  expect(['cancelled', 'queued', 'sending', 'sent']).toContain((await tidings.delivery(id('push')))?.status);
  expect((await tidings.delivery(id('email')))?.status).toBe('cancelled');
});

test('without an address for the first channel the next one is used at once', async () => {
  const sms = fakeProvider(() => ({ kind: 'address_dead', reason: 'unknown' }));
  const email = fakeProvider();
  const { tidings, id } = await tell({ sms, email }, 'channels: { first_of: [sms, email] }');
  await tidings.becomes(id('sms'), 'dead');
  await tidings.becomes(id('email'), 'sent');
  expect((await tidings.delivery(id('email')))?.attempts_made).toBe(1);
});

test('what is in doubt is not sent by another channel before its time', async () => {
  const email = fakeProvider();
  const sms = fakeProvider(() => ({ kind: 'in_doubt', reason: 'reset' }));
  const { tidings, id } = await tell({ sms, email }, 'in_doubt: hold, channels: { first_of: [sms, email] }');
  await tidings.becomes(id('sms'), 'in_doubt');
  expect((await tidings.delivery(id('email')))?.status).toBe('queued');
  expect(email.calls).toEqual([]);
  tidings.clock.now += 10 * MINUTE;
  await tidings.becomes(id('email'), 'sent');
});

test('a message that has expired is dropped and never handed over', async () => {
  const sms = fakeProvider(() => ({ kind: 'retry', reason: 'busy', after: 6 * MINUTE }));
  const { tidings, id } = await tell({ sms }, 'channels: [sms], expires_after: 5m');
  await tidings.becomes(id('sms'), 'queued', 1);
  tidings.clock.now += 7 * MINUTE;
  await tidings.becomes(id('sms'), 'dropped');
  expect(await tidings.delivery(id('sms'))).toMatchObject({ reason_code: 'expired', attempts_made: 1 });
  expect(sms.calls.length).toBe(1);
});
