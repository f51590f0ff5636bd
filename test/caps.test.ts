import { expect, test } from 'vitest';
import { markOwn } from '../src/events/own-events.ts';
import { deliveryCatalog, eventOf, useDeliveries } from './support/deliveries.ts';
import { fakeProvider } from './support/providers.ts';

/** Caps on what a user gets by a channel, from the event to the delivery: reservations, and what takes none. */

const start = useDeliveries();

const FILES = {
  'events.yaml': 'events: { one: {}, both: {}, later: {}, steps: {} }',
  'notifications.yaml': `notifications:
  ONE: { category: OPERATIONAL, channels: [email] }
  TWO: { category: OPERATIONAL, channels: [email] }
  STEPS: { category: OPERATIONAL, channels: { first_of: [sms, email], wait: 1h } }`,
  'rules.yaml': `rules:
  ONE: { on: one }
  BOTH: { on: both, notify: [ONE, TWO] }
  LATER: { on: later, delay: 1m, notify: ONE }
  STEPS: { on: steps }`,
  ...Object.fromEntries(
    ['ONE', 'TWO', 'STEPS'].flatMap((type) => [
      [`templates/${type}/email.en.subject.txt`, 'Hello'],
      [`templates/${type}/email.en.txt`, 'Hello'],
    ]),
  ),
  'templates/STEPS/sms.en.txt': 'Hello',
};

const BASE = Date.parse('2026-03-02T10:00:00Z');

async function prepare(preferences: string) {
  const email = fakeProvider();
  const sms = fakeProvider();
  const tidings = await start({ email, sms });
  await tidings.database.pool.query('delete from waits; delete from limit_uses; update users set terms = null');
  tidings.clock.now = BASE;
  const files = new Map(
    [...deliveryCatalog(FILES)].filter(([path]) => !/^templates\/(HELD|TEXT|LISTED|MAIL)/.test(path)),
  );
  files.set('preferences.yaml', preferences);
  await tidings.apply(files);
  const at = () => new Date(tidings.clock.now).toISOString();
  return {
    tidings,
    email,
    async prefer(change: object) {
      const item = { user_id: 'u1', event_type: 'preference.updated', event_timestamp: at(), properties: change };
      await tidings.pipeline.ingest('default', [markOwn(item)], false);
    },
    async post(type: string) {
      const all = { email: 'maria@example.com', phone: '+351912345678' };
      const [result] = await tidings.ingest([{ ...eventOf(type, { traits: all }), event_timestamp: at() }]);
      return result?.decisions ?? [];
    },
    async deliveries() {
      const { rows } = await tidings.database.pool.query(
        `select channel, hold_code as hold, round(extract(epoch from due_at - $1::timestamptz) / 60)::int as minutes
         from deliveries order by due_at, notification_id, channel`,
        [new Date(BASE)],
      );
      return rows;
    },
  };
}

test('what is beyond the cap waits for the first free time, in the order of the decisions', async () => {
  const { post, deliveries, tidings, email } = await prepare('caps: { email: { per_hour: 2 } }');
  expect((await post('one'))[0]?.evidence).not.toHaveProperty('plan');
  for (let count = 0; count < 3; count++) await post('one');
  expect(await deliveries()).toMatchObject([
    { hold: null, minutes: 0 },
    { hold: null, minutes: 0 },
    { hold: 'rate_limited', minutes: 60 },
    { hold: 'rate_limited', minutes: 60 },
  ]);
  await tidings.worker();
  await expect.poll(() => email.calls.length).toBe(2);
  tidings.clock.now = BASE + 60 * 60_000;
  await expect.poll(() => email.calls.length, { timeout: 20_000 }).toBe(4);
});

test('two types of a rule, and a wait that ends, see what is reserved', async () => {
  const { post, deliveries, tidings } = await prepare('caps: { email: { per_hour: 1 } }');
  await post('later');
  const decisions = await post('both');
  expect(decisions.map(({ evidence }) => evidence.plan?.[0]?.until)).toEqual([undefined, '2026-03-02T11:00:00.000Z']);
  tidings.clock.now = BASE + 60_000;
  expect(await tidings.fireDueWaits(['u1'])).toBe(1);
  expect((await deliveries()).map(({ minutes }) => minutes)).toEqual([0, 60, 120]);
});

test('a muted message takes no place, and of channels that are tried one after the other the first takes one', async () => {
  const { post, prefer, tidings } = await prepare('caps: { email: { per_day: 5 }, sms: { per_day: 1 } }');
  const keys = async () => {
    const { rows } = await tidings.database.pool.query(
      'select limit_key, bucket from limit_uses order by limit_key, bucket',
    );
    return rows.map(({ limit_key: key, bucket }) => `${key} ${bucket.slice(0, 10)}`);
  };
  await prefer({ types: { ONE: { enabled: false } } });
  await post('one');
  expect(await keys()).toEqual([]);
  await post('steps');
  await post('steps');
  expect(await keys()).toEqual(['@cap/sms 2026-03-02', '@cap/sms 2026-03-03']);
});

test('a change of preferences leaves what waits for a cap its time, and drops what is muted then', async () => {
  const { post, prefer, deliveries, tidings, email } = await prepare('caps: { email: { per_hour: 1 } }');
  await post('one');
  await post('one');
  tidings.clock.now += 1000;
  await prefer({ channels: { sms: false } });
  expect(await deliveries()).toMatchObject([{ minutes: 0 }, { hold: 'rate_limited', minutes: 60 }]);
  await prefer({ channels: { sms: false }, types: { ONE: { enabled: false } } });
  await tidings.worker();
  tidings.clock.now = BASE + 61 * 60_000;
  await expect
    .poll(
      async () => (await tidings.database.pool.query(`select status from deliveries`)).rows.map(({ status }) => status),
      { timeout: 20_000 },
    )
    .toEqual(['dropped', 'dropped']);
  expect(email.calls).toEqual([]);
});

test('the order in which two events of one batch arrive does not matter', async () => {
  const orders: unknown[] = [];
  for (const order of [
    ['one', 'both'],
    ['both', 'one'],
  ]) {
    const { tidings, deliveries } = await prepare('caps: { email: { per_hour: 1 } }');
    const traits = { email: 'maria@example.com' };
    const events = order.map((type) => ({
      ...eventOf(type, { traits }),
      event_timestamp: new Date(BASE - (type === 'one' ? 2000 : 1000)).toISOString(),
    }));
    await tidings.ingest(events);
    const { rows } = await tidings.database.pool.query(
      `select n.notification_type as type, d.hold_code as hold, d.due_at as due
       from deliveries d join notifications n using (tenant_id, notification_id) order by d.due_at`,
    );
    orders.push(rows);
    expect(await deliveries()).toHaveLength(3);
  }
  expect(orders[0]).toEqual(orders[1]);
});
