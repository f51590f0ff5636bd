import { expect, test } from 'vitest';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { deliveryCatalog, eventOf, useDeliveries } from './support/deliveries.ts';
import { fakeProvider } from './support/providers.ts';

/** Channels of `first_of` that have no provider. */

const start = useDeliveries();
const SANDBOX = {
  push: sandboxProvider(['push']),
  sms: sandboxProvider(['sms']),
  email: sandboxProvider(['email']),
};

async function notify(providers: Parameters<typeof start>[0]) {
  const tidings = await start(providers);
  const files = deliveryCatalog({
    'events.yaml': 'events: { news: {} }',
    'notifications.yaml':
      'notifications: { NEWS: { category: TRANSACTIONAL, channels: { first_of: [push, sms, email], wait: 10m } } }',
    'rules.yaml': 'rules: { NEWS: { on: news } }',
    ...Object.fromEntries(
      ['push.en.txt', 'sms.en.txt', 'email.en.txt', 'email.en.subject.txt'].map((file) => [
        `templates/NEWS/${file}`,
        'Hello',
      ]),
    ),
  });
  await tidings.apply(new Map([...files].filter(([file]) => !/^templates\/(?!NEWS)/.test(file))));
  const traits = { email: 'maria@example.com', phone: '+15550100' };
  const [result] = await tidings.ingest([eventOf('news', { traits })]);
  const notification = result?.decisions[0]?.notification_id;
  await tidings.worker();
  return { tidings, id: (channel: string) => `${notification}.${channel}` };
}

test('a channel in the sandbox gives its turn to a later one that has a provider', async () => {
  const sms = fakeProvider();
  const { tidings, id } = await notify({ ...SANDBOX, sms });
  await tidings.becomes(id('sms'), 'sent');
  expect((await tidings.delivery(id('push')))?.status).toBe('sandboxed');
  expect(sms.calls).toHaveLength(1);
  expect(await tidings.delivery(id('email'))).toMatchObject({
    status: 'cancelled',
    reason: 'Not needed: the message reached the user by sms.',
  });
});

test('where every channel is in the sandbox the first one stands for all, and no user is said to be reached', async () => {
  const { tidings, id } = await notify(SANDBOX);
  await tidings.becomes(id('push'), 'sandboxed');
  await tidings.becomes(id('sms'), 'cancelled');
  expect((await tidings.delivery(id('sms')))?.reason).toBe(
    'Not needed: push comes first, and no channel after it leaves the sandbox.',
  );
});
