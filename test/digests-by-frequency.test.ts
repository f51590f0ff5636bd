import { expect, test } from 'vitest';
import { markOwn } from '../src/events/own-events.ts';
import { deliveryCatalog, eventOf, useDeliveries } from './support/deliveries.ts';
import { fakeProvider } from './support/providers.ts';

/** Users who want a type hourly, daily or weekly: what is folded, when it is sent, and what a change of mind does. */

const start = useDeliveries();

const FILES = {
  'events.yaml': 'events: { news: { properties: { n: integer } }, code: {}, once: {}, two: {} }',
  'notifications.yaml': `notifications:
  NEWS: { category: OPERATIONAL, channels: [email, sms] }
  CODE: { category: SECURITY, channels: [email] }
  ONCE: { category: OPERATIONAL, channels: [email] }
  TWO: { category: OPERATIONAL, channels: { first_of: [email, sms], wait: 1h } }`,
  'rules.yaml': `rules:
  NEWS: { on: news }
  CODE: { on: code }
  ONCE: { on: once, limit: once }
  TWO: { on: two }`,
  'templates/NEWS/email.en.subject.txt': 'News',
  'templates/NEWS/email.en.txt': 'News {{event.n}}',
  'templates/NEWS/sms.en.txt': 'News {{event.n}}',
  'templates/NEWS.digest/email.en.subject.txt': '{{total}} news',
  'templates/NEWS.digest/email.en.txt': '{{#each items}}[{{event.n}}]{{/each}}',
  'templates/CODE/email.en.subject.txt': 'Code',
  'templates/CODE/email.en.txt': 'Code {{#each items}}{{event.n}}{{/each}}',
  'templates/ONCE/email.en.subject.txt': 'Once',
  'templates/ONCE/email.en.txt': '{{#if notification.digest}}{{items.length}} of it{{else}}It{{/if}}',
  'templates/TWO/email.en.subject.txt': 'Two',
  'templates/TWO/email.en.txt': 'Two {{#each items}}x{{/each}}',
  'templates/TWO/sms.en.txt': 'Two {{#each items}}x{{/each}}',
};

async function prepare(preferences?: string) {
  const email = fakeProvider();
  const sms = fakeProvider();
  const tidings = await start({ email, sms });
  await tidings.database.pool.query('delete from waits; delete from limit_uses; update users set terms = null');
  tidings.clock.now = Date.parse('2026-03-02T10:00:00Z');
  const files = new Map(
    [...deliveryCatalog(FILES)].filter(([path]) => !/^templates\/(HELD|TEXT|LISTED|MAIL)/.test(path)),
  );
  if (preferences !== undefined) files.set('preferences.yaml', preferences);
  await tidings.apply(files);
  const at = () => new Date(tidings.clock.now).toISOString();
  return {
    tidings,
    email,
    sms,
    async prefer(change: object) {
      tidings.clock.now += 1;
      const item = { user_id: 'u1', event_type: 'preference.updated', event_timestamp: at(), properties: change };
      const [result] = await tidings.pipeline.ingest('default', [markOwn(item)], false);
      expect(result?.status).toBe('accepted');
      return result!;
    },
    async post(type: string, properties: object = {}, traits: object = {}) {
      tidings.clock.now += 1;
      const all = { email: 'maria@example.com', phone: '+351912345678', time_zone: 'Europe/Lisbon', ...traits };
      const event = { ...eventOf(type, { traits: all }), event_timestamp: at(), properties };
      const [result] = await tidings.ingest([event as never]);
      return (result?.decisions ?? [])[0]!;
    },
    async waits() {
      const { rows } = await tidings.database.pool.query(
        `select rule, key, status, due_at, state->'total' as total from waits order by due_at, key`,
      );
      return rows;
    },
    async deliveries() {
      const { rows } = await tidings.database.pool.query(
        `select channel, status, hold_code from deliveries order by notification_id, channel`,
      );
      return rows;
    },
    async fireAt(time: string) {
      tidings.clock.now = Date.parse(time);
      return tidings.fireDueWaits(['u1']);
    },
  };
}

test('what a user wants daily is sent together at the time of digests in their zone', async () => {
  const { prefer, post, waits, fireAt, tidings, email, deliveries } = await prepare();
  await prefer({ types: { NEWS: { frequency: 'DAILY', sms: false } } });
  const first = await post('news', { n: 1 });
  expect(first).toMatchObject({
    outcome: 'scheduled',
    reason_code: 'collected',
    notification_id: null,
    evidence: {
      plan: [
        { channel: 'email', verdict: 'fold', code: 'folded', until: '2026-03-03T09:00:00.000Z' },
        { channel: 'sms', verdict: 'drop', code: 'preference_off' },
      ],
      wait: { kind: 'digest', due_at: '2026-03-03T09:00:00.000Z' },
    },
  });
  await post('news', { n: 2 });
  expect(await waits()).toMatchObject([{ rule: '@frequency/NEWS', key: 'email', status: 'waiting', total: 2 }]);
  expect(await deliveries()).toEqual([]);
  expect(await fireAt('2026-03-03T09:00:00Z')).toBe(1);
  await tidings.worker();
  await expect.poll(() => email.calls.length).toBe(1);
  expect(email.calls[0]).toMatchObject({ message: { subject: '2 news', text: '[1][2]' } });
});

test('a channel without a template for digests is used at once, and so is a SECURITY message', async () => {
  const { prefer, post, deliveries } = await prepare();
  await prefer({ types: { NEWS: { frequency: 'HOURLY' }, CODE: { frequency: 'WEEKLY' } } });
  expect(await post('news', { n: 1 })).toMatchObject({
    outcome: 'send',
    evidence: { plan: [{ verdict: 'fold' }, { verdict: 'go' }] },
  });
  expect(await post('code')).toMatchObject({ outcome: 'send' });
  expect((await deliveries()).map(({ channel }) => channel)).toEqual(['sms', 'email']);
});

test('the frequency of the tenant holds for users who have not chosen, and weekly digests come on their day', async () => {
  const { prefer, post } = await prepare('frequency: { NEWS: WEEKLY }\ndigest_times: { at: 18:30, day: friday }');
  const until = async () => (await post('news')).evidence.plan?.[0]?.until;
  expect(await until()).toBe('2026-03-06T18:30:00.000Z');
  await prefer({ digest_time: { at: '07:00' } });
  expect(await until()).toBe('2026-03-06T07:00:00.000Z');
  await prefer({ types: { NEWS: { frequency: 'IMMEDIATE' } } });
  expect(await post('news')).toMatchObject({ outcome: 'send' });
});

test('IMMEDIATE releases what waits, and NEVER drops it; both are recorded', async () => {
  const { prefer, post, waits, tidings, deliveries } = await prepare();
  await prefer({ types: { NEWS: { frequency: 'DAILY', sms: false } } });
  await post('news', { n: 1 });
  const { decisions } = await prefer({ types: { NEWS: { frequency: 'IMMEDIATE' } } });
  expect(decisions).toMatchObject([{ rule: '@frequency/NEWS', reason_code: 'waiting' }]);
  expect(await tidings.fireDueWaits(['u1'])).toBe(1);
  expect(await deliveries()).toMatchObject([{ channel: 'email', status: 'queued' }]);

  await prefer({ types: { NEWS: { frequency: 'DAILY' } } });
  await post('news', { n: 2 });
  await prefer({ types: { NEWS: { frequency: 'NEVER' } } });
  expect(await tidings.fireDueWaits(['u1'])).toBe(1);
  expect(await deliveries()).toHaveLength(1);
  const { rows } = await tidings.database.pool.query(
    `select decisions::text as text from waits order by due_at desc limit 1`,
  );
  expect(rows[0].text).toContain('preference_off');
  expect((await waits()).map(({ status }) => status)).toEqual(['fired', 'fired']);
});

test('a user who moves gets the digest at the time of the new zone', async () => {
  const { prefer, post, waits } = await prepare();
  await prefer({ types: { NEWS: { frequency: 'DAILY', sms: false } } });
  await post('news');
  await post('code', {}, { time_zone: 'Asia/Kolkata' });
  expect((await waits()).map(({ due_at: at }) => new Date(at).toISOString())).toEqual(['2026-03-03T03:30:00.000Z']);
});

test('what is folded counts in the limit, once', async () => {
  const { prefer, post, fireAt } = await prepare();
  await prefer({ types: { ONCE: { frequency: 'DAILY' } } });
  expect(await post('once')).toMatchObject({ reason_code: 'collected' });
  expect(await post('once')).toMatchObject({ reason_code: 'limit_reached' });
  await fireAt('2026-03-03T09:00:00Z');
  expect(await post('once')).toMatchObject({ reason_code: 'limit_reached' });
});

test('a digest that is due in quiet hours waits for their end, and a muted one is not sent', async () => {
  const { prefer, post, fireAt, deliveries } = await prepare('digest_times: { at: 23:00 }\nquiet_hours: 22:00-08:00');
  await prefer({ types: { ONCE: { frequency: 'DAILY' }, NEWS: { frequency: 'DAILY' } } });
  await post('once');
  await post('news');
  await prefer({ categories: { OPERATIONAL: { email: true } } });
  await prefer({ types: { NEWS: { enabled: false } } });
  await fireAt('2026-03-02T23:00:00Z');
  expect((await deliveries()).filter(({ channel }) => channel === 'email')).toMatchObject([
    { hold_code: 'quiet_hours' },
  ]);
});

test('channels that are tried one after the other are one digest', async () => {
  const { prefer, post, waits, fireAt, deliveries } = await prepare();
  await prefer({ types: { TWO: { frequency: 'HOURLY' } } });
  await post('two');
  expect(await waits()).toMatchObject([{ key: 'email+sms' }]);
  await fireAt('2026-03-02T11:00:00Z');
  expect(await deliveries()).toMatchObject([
    { channel: 'email', hold_code: null },
    { channel: 'sms', hold_code: 'fallback' },
  ]);
});

test('two changes of which the later arrives first leave the later one', async () => {
  const { tidings, post, waits } = await prepare();
  const said = (frequency: string, at: string) =>
    markOwn({
      user_id: 'u1',
      event_type: 'preference.updated',
      event_timestamp: at,
      properties: { types: { ONCE: { frequency } } },
    });
  await tidings.pipeline.ingest('default', [said('WEEKLY', '2026-03-02T09:00:00Z')], false);
  await tidings.pipeline.ingest('default', [said('HOURLY', '2026-03-02T08:00:00Z')], false);
  await post('once');
  expect(new Date((await waits())[0].due_at).toISOString()).toBe('2026-03-09T09:00:00.000Z');
});
