import { expect, test } from 'vitest';
import { deliveryCatalog, eventOf, useDeliveries } from './support/deliveries.ts';
import { fakeProvider } from './support/providers.ts';

/** Channels that are tried one after the other, with what is in doubt at one of several devices of the first. */

const start = useDeliveries();
const MINUTE = 60_000;
const DOUBT = { kind: 'in_doubt', reason: 'reset' } as const;
const REJECTED = { kind: 'rejected', reason: 'no' } as const;

function catalogOf(policy: string) {
  const channels = 'channels: { first_of: [push, sms], wait: 10m }';
  const files = deliveryCatalog({
    'events.yaml': 'events: { news: {} }',
    'notifications.yaml': `notifications: { NEWS: { category: TRANSACTIONAL, give_up_after: 5m, in_doubt: ${policy}, ${channels} } }`,
    'rules.yaml': 'rules: { NEWS: { on: news } }',
    'templates/NEWS/push.en.txt': 'Hello',
    'templates/NEWS/sms.en.txt': 'Hello',
  });
  return new Map([...files].filter(([file]) => !/^templates\/(?!NEWS)/.test(file)));
}

const DEVICES = {
  list: async () => ['phone', 'tablet'],
  load: async (_tenant: string, id: string) =>
    ({ kind: 'device', platform: 'ios', token: id, registeredAt: 0 }) as const,
  missing: { reasonCode: 'missing_device', reason: 'none' },
} as const;

async function tell(policy: 'hold' | 'resend', first: 'phone' | 'tablet') {
  const sms = fakeProvider();
  const other = first === 'phone' ? 'tablet' : 'phone';
  let go = () => {};
  const isTurn = new Promise<void>((resolve) => {
    go = resolve;
  });
  // The phone is in doubt, the tablet rejects it; `first` answers first.
  const push = fakeProvider(async ({ target }) => {
    const id = 'token' in target ? target.token : '';
    if (id === other) await isTurn;
    return id === 'phone' ? DOUBT : REJECTED;
  });
  const tidings = await start({ push, sms });
  await tidings.apply(catalogOf(policy));
  const [result] = await tidings.ingest([eventOf('news', { traits: { phone: '+15550100' } })]);
  const notification = result?.decisions[0]?.notification_id;
  await tidings.worker({ targets: new Map([['push', DEVICES]]) });
  const id = (channel: string) => `${notification}.${channel}`;
  const ended = { phone: policy === 'hold' ? 'in_doubt' : 'queued', tablet: 'dead' } as const;
  await tidings.becomes(id(`push.${first}`), ended[first]);
  go();
  await tidings.becomes(id(`push.${other}`), ended[other]);
  return { tidings, id, sms };
}

test.each(['phone', 'tablet'] as const)(
  'a device that is held in doubt keeps the next channel waiting for its time; the first to answer is the %s',
  async (first) => {
    const { tidings, id, sms } = await tell('hold', first);
    const waiting = await tidings.delivery(id('sms'));
    expect([waiting?.status, waiting?.reason]).toEqual(['queued', null]);
    expect(sms.calls).toEqual([]);
    tidings.clock.now += 10 * MINUTE;
    await tidings.becomes(id('sms'), 'sent');
  },
);

test('a device in doubt that was tried again until its time was over lets the next channel follow at once', async () => {
  const { tidings, id, sms } = await tell('resend', 'tablet');
  expect(sms.calls).toEqual([]);
  for (let minute = 0; minute < 8 && sms.calls.length === 0; minute++) {
    tidings.clock.now += MINUTE;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect((await tidings.delivery(id('push.phone')))?.status).toBe('in_doubt');
  await tidings.becomes(id('sms'), 'sent');
  expect((await tidings.delivery(id('sms')))?.reason_code).not.toBe('reached');
});
