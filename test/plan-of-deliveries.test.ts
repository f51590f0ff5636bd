import { expect, test } from 'vitest';
import { markOwn } from '../src/events/own-events.ts';
import { releaseDeliveries } from '../src/store/deliveries/claimed-delivery.ts';
import { loadPlanUsers } from '../src/store/terms.ts';
import { deliveryCatalog, eventOf, useDeliveries } from './support/deliveries.ts';
import { fakeProvider } from './support/providers.ts';

/** Users who say what they want, from the event to the provider: decisions, limits, holds, and the look at the claim. */

const start = useDeliveries();

const FILES = {
  'events.yaml': 'events: { mail: {}, one: {}, both: {}, later: {}, steps: {}, next: {} }',
  'notifications.yaml': `notifications:
  MAIL: { category: OPERATIONAL, channels: [email] }
  ONE: { category: OPERATIONAL, channels: [email] }
  BOTH: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email, sms] }
  LATER: { category: OPERATIONAL, channels: [email] }
  STEPS: { category: OPERATIONAL, channels: { first_of: [sms, email], wait: 1d } }
  NEXT: { category: OPERATIONAL, channels: { first_of: [sms, email], wait: 1h } }`,
  'rules.yaml': `rules:
  MAIL: { on: mail }
  ONE: { on: one, limit: once }
  BOTH: { on: both }
  LATER: { on: later, delay: 1h }
  STEPS: { on: steps }
  NEXT: { on: next }`,
  ...Object.fromEntries(
    ['MAIL', 'ONE', 'BOTH', 'LATER', 'STEPS', 'NEXT'].flatMap((type) => [
      [`templates/${type}/email.en.subject.txt`, 'Hello'],
      [`templates/${type}/email.en.txt`, 'Hello'],
      [`templates/${type}/sms.en.txt`, 'Hello'],
    ]),
  ),
};

async function prepare(preferences?: string, sms = fakeProvider()) {
  const email = fakeProvider();
  const tidings = await start({ email, sms });
  await tidings.database.pool.query('delete from waits; delete from limit_uses');
  const files = new Map(
    [...deliveryCatalog(FILES)].filter(
      ([path]) => !/^templates\/(HELD|TEXT|LISTED)|(MAIL|ONE|LATER)\/sms|html/.test(path),
    ),
  );
  if (preferences !== undefined) files.set('preferences.yaml', preferences);
  await tidings.apply(files);
  const at = () => new Date(tidings.clock.now).toISOString();
  const own = async (type: string, properties: object, userId = 'u1') => {
    tidings.clock.now += 1;
    const item = { user_id: userId, event_type: type, event_timestamp: at(), properties };
    const [result] = await tidings.pipeline.ingest('default', [markOwn(item)], false);
    expect(result?.status).toBe('accepted');
  };
  return {
    tidings,
    email,
    sms,
    files,
    prefer: (change: object, userId?: string) => own('preference.updated', change, userId),
    consent: (said: object) => own('consent.recorded', said),
    async post(type: string, traits: object = {}) {
      tidings.clock.now += 1;
      const all = { email: 'maria@example.com', phone: '+351912345678', ...traits };
      const [result] = await tidings.ingest([{ ...eventOf(type, { traits: all }), event_timestamp: at() }]);
      return (result?.decisions ?? [])[0]!;
    },
    async deliveries() {
      const { rows } = await tidings.database.pool.query(
        `select channel, status, reason_code, hold_code, attempts, due_at, retry_until, plan from deliveries order by notification_id, channel`,
      );
      return rows;
    },
  };
}

test('a muted user does not use up the limit, and gets the message once they are back', async () => {
  const { prefer, post } = await prepare();
  await prefer({ types: { ONE: { enabled: false } } });
  expect(await post('one')).toMatchObject({
    outcome: 'suppressed',
    reason_code: 'all_channels_dropped',
    notification_id: null,
    evidence: { plan: [{ channel: 'email', code: 'preference_off', level: 'user: type ONE' }] },
  });
  await prefer({ types: { ONE: { enabled: null } } });
  const sent = await post('one');
  expect(sent).toMatchObject({ outcome: 'send', evidence: { limits: [{ used: 0 }] } });
  expect(sent.evidence).not.toHaveProperty('plan');
  expect(await post('one')).toMatchObject({ reason_code: 'limit_reached' });
});

test('a channel that is off is not planned, and the decision says why', async () => {
  const { prefer, post, deliveries } = await prepare();
  await prefer({ categories: { MARKETING: { sms: false } } });
  const decision = await post('both');
  expect(decision).toMatchObject({
    outcome: 'send',
    evidence: {
      plan: [
        { channel: 'email', verdict: 'go' },
        { channel: 'sms', verdict: 'drop' },
      ],
    },
  });
  expect(decision.reason).toContain('the user turned off category MARKETING');
  expect(await deliveries()).toMatchObject([{ channel: 'email', plan: null }]);
});

test('a pause holds what is decided, also from the queue, and what it holds goes once it is ended', async () => {
  const { tidings, email, files, prefer, post, deliveries } = await prepare(
    'required: [ONE]\nquiet_hours: 11:00-13:00',
  );
  const types = files.get('notifications.yaml')!;
  files.set('notifications.yaml', types.replace('LATER: { ', 'LATER: { quiet: ignore, '));
  await tidings.apply(files);
  tidings.clock.now = Date.parse('2025-11-20T14:00:00Z');
  await post('mail');
  await prefer({ pause: { until: '2025-11-22T12:00:00Z', reason: 'ticket 4711' } });
  await tidings.worker();
  const held = { status: 'queued', hold_code: 'paused', attempts: 0, due_at: Date.parse('2025-11-22T13:00:00Z') };
  await expect.poll(deliveries).toMatchObject([held]);
  // The quiet hours of the tenant begin before the pause ends, and hold on.
  const decision = await post('both');
  expect(decision.reason).toContain('it waits until 2025-11-22 13:00 UTC, after the pause of messages (ticket 4711)');
  expect(decision.evidence.plan?.map(({ code, level }) => [code, level])).toEqual([
    ['paused', 'user: pause'],
    ['paused', 'user: pause'],
  ]);
  // A required type goes, and a type that waits for no quiet hours.
  await post('one');
  await expect.poll(() => email.calls.length).toBe(1);
  await post('later');
  tidings.clock.now += 3_600_000;
  expect(await tidings.pipeline.fireDueWaits('default', ['u1'])).toBe(1);
  await expect.poll(() => email.calls.length).toBe(2);
  // Their own preferences do not end it.
  await prefer({ all: true, replace: true });
  await expect.poll(async () => (await deliveries()).filter((one) => one.hold_code === 'paused')).toHaveLength(3);
  expect((await post('mail')).evidence.plan).toMatchObject([{ verdict: 'hold', code: 'paused' }]);
  await prefer({ pause: null });
  await expect.poll(async () => (await deliveries()).map(({ status }) => status)).toEqual(Array(6).fill('sent'));
  expect((await post('mail')).evidence).not.toHaveProperty('plan');
});

test('a pause that is ended while a claim reads it holds nothing, and one that is being ended holds for a second', async () => {
  const { tidings, prefer, post, deliveries } = await prepare();
  const { pool } = tidings.database;
  await tidings.stopWorkers(0);
  await post('mail');
  const [asked] = await deliveries();
  const until = Date.parse('2099-01-01T00:00:00Z');
  const hold = async (change: () => Promise<unknown>) => {
    const claimed = await tidings.claim('a');
    const [user] = await loadPlanUsers(pool, [claimed]);
    await change();
    const verdict = {
      channel: 'email',
      verdict: 'hold',
      code: 'paused',
      level: 'user: pause',
      value: '',
      since: null,
    } as const;
    await releaseDeliveries(pool, [claimed], tidings.clock.now, [until], ['paused'], [{ verdict, users: [user!] }]);
    return (await deliveries())[0];
  };
  expect(await hold(() => prefer({ types: { ONE: { enabled: false } } }))).toEqual(asked);

  const other = await pool.connect();
  await other.query(`begin; select from users where user_id = 'u1' for update`);
  const soon = tidings.clock.now + 1000;
  expect(await hold(async () => {})).toMatchObject({ hold_code: 'paused', due_at: soon, attempts: 0 });
  await other.query('rollback');
  other.release();

  tidings.clock.now = soon;
  expect(await hold(async () => {})).toMatchObject({ hold_code: 'paused', due_at: until, plan: { code: 'paused' } });
  // Ended later, the change itself finds what is held.
  await prefer({ pause: null });
  expect(await deliveries()).toMatchObject([{ due_at: tidings.clock.now }]);
});

test('a mute before the claim stops what was decided: no attempt counts', async () => {
  const { tidings, email, prefer, post, deliveries } = await prepare();
  await post('both');
  tidings.clock.now += 1000;
  await prefer({ channels: { email: false } });
  await tidings.worker();
  await expect.poll(async () => (await deliveries()).map(({ status }) => status)).toEqual(['dropped', 'sent']);
  expect(email.calls).toEqual([]);
  const [dropped] = await deliveries();
  expect(dropped).toMatchObject({
    reason_code: 'preference_off',
    attempts: 0,
    plan: { verdict: 'drop', level: 'user: channel email' },
  });
});

test.each([
  ['HIGH', 'queued'],
  ['URGENT', 'sent'],
])('quiet hours set before the claim hold what is %s: it is %s', async (priority, status) => {
  const { tidings, files, prefer, post, deliveries } = await prepare();
  const notifications = files.get('notifications.yaml')!;
  files.set('notifications.yaml', notifications.replace('MAIL: { ', `MAIL: { priority: ${priority}, `));
  await tidings.apply(files);
  await post('mail');
  const hour = new Date(tidings.clock.now).getUTCHours();
  const clock = (h: number) => `${String((hour + h + 24) % 24).padStart(2, '0')}:00`;
  await prefer({ quiet_hours: { start: clock(-1), end: clock(2), zone: 'UTC' } });
  await tidings.worker();
  const looked = async () =>
    (await deliveries()).map((one) => [one.status, one.hold_code !== null || status === 'sent']);
  await expect.poll(looked).toEqual([[status, true]]);
});

test('a mute before the claim stops what a wait sends, too', async () => {
  const { tidings, email, prefer, post, deliveries } = await prepare();
  await post('later');
  tidings.clock.now += 3_600_000;
  expect(await tidings.fireDueWaits(['u1'])).toBe(1);
  await prefer({ all: false });
  await tidings.worker();
  await expect.poll(async () => (await deliveries()).map(({ status }) => status)).toEqual(['dropped']);
  expect(email.calls).toEqual([]);
});

test('the policy is that of the active version, also for a wait of an earlier one', async () => {
  const { tidings, files, post, deliveries } = await prepare();
  await post('later');
  files.set('preferences.yaml', 'locks: { types: { LATER: false } }');
  await tidings.apply(files);
  tidings.clock.now += 3_600_000;
  await tidings.fireDueWaits(['u1']);
  expect(await deliveries()).toEqual([]);
});

test('the next of first_of follows at once on a channel that is dropped at the claim', async () => {
  const { tidings, sms, email, prefer, post, deliveries } = await prepare();
  await post('steps');
  tidings.clock.now += 1000;
  await prefer({ channels: { sms: false } });
  await tidings.worker();
  await expect.poll(async () => (await deliveries()).map(({ status }) => status)).toEqual(['sent', 'dropped']);
  expect([sms.calls.length, email.calls.length]).toEqual([0, 1]);
});

const AT_NIGHT = 'quiet_hours: 22:00-08:00';

test('what quiet hours hold is sent at their end, without an attempt or time for retries lost', async () => {
  const { tidings, email, post, deliveries } = await prepare(AT_NIGHT);
  tidings.clock.now = Date.parse('2025-11-20T23:00:00Z');
  expect(await post('mail')).toMatchObject({ outcome: 'send', evidence: { plan: [{ verdict: 'hold' }] } });
  const [held] = await deliveries();
  expect(held).toMatchObject({
    status: 'queued',
    hold_code: 'quiet_hours',
    due_at: Date.parse('2025-11-21T08:00:00Z'),
  });
  expect(held.retry_until).toBe(Date.parse('2025-11-22T08:00:00Z'));
  await tidings.worker();
  expect(email.calls).toEqual([]);
  tidings.clock.now = Date.parse('2025-11-21T08:00:00Z');
  await expect.poll(async () => (await deliveries())[0].status).toBe('sent');
  expect((await deliveries())[0].attempts).toBe(1);
});

test('what is claimed in quiet hours is held, and does not lose an attempt', async () => {
  const { tidings, email, post, deliveries } = await prepare(AT_NIGHT);
  tidings.clock.now = Date.parse('2025-11-20T21:59:00Z');
  await post('mail');
  tidings.clock.now = Date.parse('2025-11-20T22:30:00Z');
  await tidings.worker();
  await expect.poll(async () => (await deliveries())[0].hold_code).toBe('quiet_hours');
  expect(email.calls).toEqual([]);
  expect((await deliveries())[0]).toMatchObject({
    status: 'queued',
    attempts: 0,
    due_at: Date.parse('2025-11-21T08:00:00Z'),
    plan: { verdict: 'hold', until: '2025-11-21T08:00:00.000Z' },
  });
});

test('of first_of, the next waits for a channel that was held at its claim, and is not sent together with it', async () => {
  const { tidings, sms, email, post, deliveries } = await prepare(AT_NIGHT);
  tidings.clock.now = Date.parse('2025-11-20T21:59:00Z');
  await post('next');
  tidings.clock.now = Date.parse('2025-11-20T22:30:00Z');
  await tidings.worker();
  await expect.poll(async () => (await deliveries())[1].hold_code).toBe('quiet_hours');
  tidings.clock.now = Date.parse('2025-11-20T23:00:00Z');
  const nine = Date.parse('2025-11-21T09:00:00Z');
  await expect.poll(async () => (await deliveries())[0]).toMatchObject({ hold_code: 'fallback', due_at: nine });
  tidings.clock.now = Date.parse('2025-11-21T08:00:00Z');
  await expect.poll(async () => (await deliveries()).map(({ status }) => status)).toEqual(['cancelled', 'sent']);
  expect([sms.calls.length, email.calls.length]).toEqual([1, 0]);
});

test('of first_of, the next keeps its distance to one that goes earlier, as what it waited for was ended', async () => {
  const { tidings, sms, prefer, post, deliveries } = await prepare('required: [ONE]');
  await prefer({ pause: { until: new Date(tidings.clock.now + 240 * 3_600_000).toISOString(), reason: 'ticket' } });
  await post('next');
  const [later, first] = await deliveries();
  expect([later.hold_code, later.due_at - first.due_at]).toEqual(['fallback', 3_600_000]);
  await prefer({ pause: null });
  const { now } = tidings.clock;
  expect((await deliveries()).map(({ due_at }) => due_at)).toEqual([now + 3_600_000, now]);
  await tidings.worker();
  await expect.poll(() => sms.calls.length).toBe(1);
});

test('of first_of, the next still waits for one before it when what held both is ended while a claim reads it', async () => {
  const { tidings, sms, prefer, post, deliveries } = await prepare('required: [ONE]');
  const { pool } = tidings.database;
  const hour = 3_600_000;
  await tidings.stopWorkers(0);
  await post('next');
  const until = new Date(tidings.clock.now + 240 * hour).toISOString();
  await prefer({ pause: { until, reason: 'ticket' } });
  tidings.clock.now += hour;
  const claimed = await tidings.claim('a');
  // Meanwhile another worker has the first one, and holds it.
  await pool.query(`update deliveries set hold_code = 'paused', due_at = $1 where channel = 'sms'`, [until]);
  const [user] = await loadPlanUsers(pool, [claimed]);
  await prefer({ pause: null });
  const { now } = tidings.clock;
  const verdict = { channel: 'email', verdict: 'hold', code: 'paused', level: 'user: pause', value: '' } as const;
  const plan = { verdict: { ...verdict, since: null }, users: [user!], gap: hour };
  await releaseDeliveries(pool, [claimed], now, [now + 239 * hour], ['paused'], [plan]);
  expect(await deliveries()).toMatchObject([{ hold_code: 'fallback', due_at: now + hour }, { due_at: now }]);
  await tidings.worker();
  await expect.poll(() => sms.calls.length).toBe(1);
  await expect.poll(async () => (await deliveries()).map(({ status }) => status)).toEqual(['cancelled', 'sent']);
});

test('of first_of, the next keeps its distance to a channel that is held at its claim for less than its wait', async () => {
  const { tidings, sms, post, deliveries } = await prepare('quiet_hours: 22:00-22:30');
  tidings.clock.now = Date.parse('2025-11-20T21:59:00Z');
  await post('next');
  tidings.clock.now = Date.parse('2025-11-20T22:00:00Z');
  await tidings.worker();
  await expect.poll(async () => (await deliveries())[1].hold_code).toBe('quiet_hours');
  const [next, first] = await deliveries();
  expect(first.due_at).toBe(Date.parse('2025-11-20T22:30:00Z'));
  expect(next).toMatchObject({ hold_code: 'fallback', due_at: first.due_at + 3_600_000 });
  expect(next.retry_until - next.due_at).toBe(first.retry_until - first.due_at);
  tidings.clock.now = first.due_at;
  await expect.poll(() => sms.calls.length).toBe(1);
});

test('of first_of, the next that had its turn in a pause goes when that ends early, though one before it tries again later', async () => {
  const hour = 3_600_000;
  const busy = fakeProvider(() => ({ kind: 'retry', reason: 'busy', after: 5 * hour }));
  const { tidings, email, prefer, post, deliveries } = await prepare('required: [ONE]', busy);
  await post('next');
  await tidings.worker();
  await expect.poll(async () => (await deliveries())[1].attempts).toBe(1);
  await prefer({ pause: { until: new Date(tidings.clock.now + 240 * hour).toISOString(), reason: 'ticket' } });
  tidings.clock.now += hour;
  await expect.poll(async () => (await deliveries())[0].plan).toMatchObject({ code: 'paused' });
  const [next] = await deliveries();
  expect([next.hold_code, next.due_at > tidings.clock.now + 200 * hour]).toEqual(['fallback', true]);
  await prefer({ pause: null });
  await expect.poll(() => email.calls.length).toBe(1);
});

test('a pause of the user who is known by an address alone, and is ended, releases what it held for those who have the address', async () => {
  const { tidings, email, prefer, post, deliveries } = await prepare();
  const { pool } = tidings.database;
  await post('mail');
  const { rows } = await pool.query(`select hash from addresses where kind = 'email'`);
  const ofAddress = `addr:${rows[0].hash}`;
  const until = new Date(tidings.clock.now + 240 * 3_600_000).toISOString();
  await prefer({ pause: { until, reason: 'ticket' } }, ofAddress);
  await tidings.worker();
  await expect.poll(async () => (await deliveries())[0].hold_code).toBe('paused');
  await prefer({ pause: null }, ofAddress);
  await expect.poll(() => email.calls.length).toBe(1);
});

test('a user who moves while a message is held gets it by their new clock', async () => {
  const { tidings, email, post, deliveries } = await prepare(AT_NIGHT);
  tidings.clock.now = Date.parse('2025-11-20T23:00:00Z');
  await post('mail', { time_zone: 'UTC' });
  await tidings.worker();
  tidings.clock.now += 60_000;
  // 08:01 in Tokyo.
  await post('moved', { time_zone: 'Asia/Tokyo' });
  await expect.poll(async () => (await deliveries())[0].status).toBe('sent');
  expect(email.calls).toHaveLength(1);
});

test('turning quiet hours off releases what they hold, and muting drops it', async () => {
  const { tidings, email, prefer, post, deliveries } = await prepare(AT_NIGHT);
  tidings.clock.now = Date.parse('2025-11-20T23:00:00Z');
  await post('mail');
  await post('both');
  await tidings.worker();
  tidings.clock.now += 1000;
  await prefer({ quiet_hours: { enabled: false }, categories: { MARKETING: { enabled: false } } });
  await expect
    .poll(async () => (await deliveries()).map(({ status }) => status))
    .toEqual(['sent', 'dropped', 'dropped']);
  expect(email.calls).toHaveLength(1);
});

const CONSENT = 'consent: { MARKETING: { any: [record, { trait: marketing_opt_in }] } }';

test('marketing needs consent where the policy says so, and a trait may be one', async () => {
  const { post, consent } = await prepare(CONSENT);
  expect(await post('both')).toMatchObject({ reason_code: 'all_channels_dropped' });
  expect(await post('both', { marketing_opt_in: true })).toMatchObject({ outcome: 'send' });
  await post('mail', { marketing_opt_in: false });
  await consent({ purpose: 'MARKETING', channel: 'sms', state: 'granted' });
  expect(await post('both')).toMatchObject({
    outcome: 'send',
    evidence: {
      plan: [
        { channel: 'email', code: 'consent_missing' },
        { channel: 'sms', verdict: 'go' },
      ],
    },
  });
});

test('consent is bound to its address: one with the same mask that the user has by the claim gets nothing', async () => {
  const { tidings, sms, post, consent, deliveries } = await prepare(CONSENT);
  await post('mail', { phone: '+351912345678' });
  const { rows } = await tidings.database.pool.query(`select hash, mask from addresses where kind = 'phone'`);
  const [{ hash, mask }] = rows;
  await consent({ purpose: 'MARKETING', channel: 'sms', state: 'granted', address_hash: hash, address: mask });
  expect(await post('both', { phone: '+351912345678' })).toMatchObject({ outcome: 'send' });
  tidings.clock.now += 1000;
  expect(await post('both', { phone: '+351900000678' })).toMatchObject({ reason_code: 'all_channels_dropped' });
  await tidings.worker();
  await expect
    .poll(async () =>
      (await deliveries()).filter(({ channel }) => channel === 'sms').map(({ reason_code }) => reason_code),
    )
    .toEqual(['consent_missing']);
  expect(sms.calls).toEqual([]);
});

test('a backtest of a history with changing preferences repeats every decision, and shows what another policy would do', async () => {
  const { tidings, files, prefer, consent, post } = await prepare(CONSENT);
  const since = tidings.clock.now;
  for (const [hours, act] of [
    [0, () => post('both', { marketing_opt_in: true })],
    [1, () => prefer({ types: { BOTH: { sms: false } }, quiet_hours: { start: '12:00', end: '18:00' } })],
    [1, () => post('both')],
    [5, () => prefer({ replace: true, categories: { MARKETING: { email: false } } })],
    [1, () => post('both')],
    [1, () => consent({ purpose: 'MARKETING', channel: 'sms', state: 'withdrawn' })],
    [1, () => post('both')],
    [1, () => prefer({ all: true })],
    [1, () => post('mail')],
  ] as const) {
    tidings.clock.now += hours * 3_600_000;
    await act();
  }
  const { reproduced } = await tidings.backtest(since);
  expect(reproduced).toMatchObject({ different: 0, examples: [] });
  expect(reproduced?.decisions).toBeGreaterThan(4);
  files.set('preferences.yaml', 'locks: { types: { BOTH: false } }');
  const { validateCatalogFiles } = await import('../src/catalog/load-valid-catalog.ts');
  const report = await tidings.backtest(since, await validateCatalogFiles(files));
  expect(report.types.find(({ type }) => type === 'BOTH')).toMatchObject({ new: 0, removed: 3 });
});

test('without terms and policy nothing is asked, and nothing more is stored', async () => {
  const { tidings, post, deliveries } = await prepare();
  const decision = await post('both');
  expect(decision.evidence).toEqual({});
  const { rows } = await tidings.database.pool.query('select terms from users');
  expect(rows).toEqual([{ terms: null }]);
  expect((await deliveries()).map(({ plan, hold_code }) => [plan, hold_code])).toEqual([
    [null, null],
    [null, null],
  ]);
});
