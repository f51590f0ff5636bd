import { describe, expect, test } from 'vitest';
import { useNotifications } from './support/notifications.ts';

/** Direct sends that wait for a time: an instant, or a local time of each recipient. */

const at = useNotifications();
const HOUR = 3_600_000;

test('an instant: it waits under the id that it then has, and goes when it is due', async () => {
  const { send, user, get, becomes, pass, tidings, email } = at();
  await user('u1', { email: 'maria@example.com' });
  await tidings.worker();
  const { body } = await send({
    channels: ['email'],
    scheduled_at: '2025-11-20T15:00:00Z',
    context: { correlation_id: 'c-1' },
  });
  const [result] = body.results;
  expect(result).toMatchObject({
    state: 'scheduled',
    due_at: '2025-11-20T15:00:00.000Z',
    channels: { email: { plan: 'go' } },
  });
  const id = result.notification_id;
  expect((await get(id)).body).toMatchObject({
    state: 'scheduled',
    notification_type: 'ORDER',
    rule: '@direct',
    due_at: '2025-11-20T15:00:00.000Z',
    correlation_id: 'c-1',
    deliveries: [],
  });
  await pass(HOUR, 'u1');
  expect((await get(id)).body.state).toBe('scheduled');
  expect(email.calls).toEqual([]);
  await pass(2 * HOUR, 'u1');
  await becomes(id, 'sent');
  expect(email.calls).toHaveLength(1);
  expect((await get(id)).body).toMatchObject({ notification_id: id, due_at: null, deliveries: [{ channel: 'email' }] });
});

test('a local time is that of each recipient; without a zone it is that of the tenant, else UTC', async () => {
  const { send, user, server } = at();
  await user('new york', { time_zone: 'America/New_York' });
  await user('kolkata', { time_zone: 'Asia/Kolkata' });
  await user('nowhere', { time_zone: 'Europe/Atlantis' });
  const recipients = ['new york', 'kolkata', 'nowhere'].map((user_id) => ({ user_id }));
  const scheduled_at = { local: '2025-12-01T09:00', zone: 'recipient' };
  expect((await send({ recipients, scheduled_at })).body.results).toMatchObject([
    { due_at: '2025-12-01T14:00:00.000Z', zone: 'America/New_York', zone_from: 'recipient' },
    { due_at: '2025-12-01T03:30:00.000Z', zone: expect.stringMatching(/^Asia\//), zone_from: 'recipient' },
    { due_at: '2025-12-01T09:00:00.000Z', zone: 'UTC', zone_from: 'default' },
  ]);
  await server.send('PATCH', '/api/v1/tenant', { settings: { zone: 'Europe/Berlin' } });
  expect((await send({ recipients: [{ user_id: 'nobody' }], scheduled_at })).body.results).toMatchObject([
    { due_at: '2025-12-01T08:00:00.000Z', zone: 'Europe/Berlin', zone_from: 'tenant' },
  ]);
  const named = { local: '2025-12-01T09:00:30', zone: 'Australia/Lord_Howe' };
  expect((await send({ scheduled_at: named })).body.results).toMatchObject([
    { due_at: '2025-11-30T22:00:30.000Z', zone: 'Australia/Lord_Howe', zone_from: 'request' },
  ]);
});

describe('where preferences.yaml names the zone of the tenant', () => {
  const atChicago = useNotifications({ 'preferences.yaml': 'zone: America/Chicago' });

  test('schedules go by it, as hours do, unless the settings name another one', async () => {
    const { send, reschedule, server } = atChicago();
    const scheduled_at = { local: '2025-12-01T09:00', zone: 'recipient' };
    const [{ notification_id: id, ...first }] = (await send({ scheduled_at })).body.results;
    expect(first).toMatchObject({ due_at: '2025-12-01T15:00:00.000Z', zone: 'America/Chicago', zone_from: 'tenant' });
    expect((await reschedule(id, { local: '2025-12-02T09:00', zone: 'recipient' })).body).toMatchObject({
      due_at: '2025-12-02T15:00:00.000Z',
      zone_from: 'tenant',
    });
    await server.send('PATCH', '/api/v1/tenant', { settings: { zone: 'Europe/Berlin' } });
    const [later] = (await send({ scheduled_at })).body.results;
    expect(later).toMatchObject({ zone: 'Europe/Berlin', zone_from: 'tenant' });
  });
});

test.each([
  ['a time that the clock skips', 'America/New_York', '2026-03-08T02:30', '2026-03-08T07:30:00.000Z'],
  ['a time that the clock shows twice', 'Europe/Berlin', '2026-10-25T02:30', '2026-10-25T00:30:00.000Z'],
  ['half an hour at Lord Howe', 'Australia/Lord_Howe', '2026-10-04T02:15', '2026-10-03T15:45:00.000Z'],
])('%s is some time, and always the same', async (_what, zone, local, due) => {
  const { send } = at();
  expect((await send({ scheduled_at: { local, zone } })).body.results).toMatchObject([{ due_at: due }]);
});

test('a recipient who moves moves what is scheduled in their zone', async () => {
  const { send, user, get } = at();
  await user('u1', { time_zone: 'Europe/Berlin' });
  const [one] = (await send({ scheduled_at: { local: '2025-12-01T09:00', zone: 'recipient' } })).body.results;
  const [fixed] = (await send({ scheduled_at: { local: '2025-12-01T09:00', zone: 'Europe/Berlin' } })).body.results;
  await user('u1', { time_zone: 'America/New_York' });
  expect((await get(one.notification_id)).body).toMatchObject({
    state: 'scheduled',
    due_at: '2025-12-01T14:00:00.000Z',
  });
  expect((await get(fixed.notification_id)).body.due_at).toBe('2025-12-01T08:00:00.000Z');
});

test('a time that is past is sent at once, and the answer and the explanation say so', async () => {
  const { send, server } = at();
  const [result] = (await send({ scheduled_at: '2025-11-20T09:00:00Z' })).body.results;
  expect(result).toMatchObject({ state: 'accepted', late: true });
  expect((await server.get('/api/v1/explain/u1/ORDER')).body.paragraph).toContain(
    '20 November 2025 at 09:00 UTC, was past',
  );
});

test('it is moved, earlier and later; one that is past then goes at once', async () => {
  const { send, reschedule, get, pass, becomes, tidings, user } = at();
  await user('u1', { email: 'maria@example.com', phone: '+351912345678' });
  await tidings.worker();
  const [{ notification_id: id }] = (await send({ scheduled_at: '2025-12-01T09:00:00Z' })).body.results;
  expect((await reschedule(id, '2025-12-02T09:00:00Z')).body).toEqual({
    notification_id: id,
    state: 'scheduled',
    due_at: '2025-12-02T09:00:00.000Z',
  });
  const local = await reschedule(id, { local: '2025-11-21T09:00', zone: 'recipient' });
  expect(local.body).toMatchObject({ due_at: '2025-11-21T09:00:00.000Z', zone: 'UTC', zone_from: 'default' });
  expect((await get(id)).body).toMatchObject({ state: 'scheduled', due_at: '2025-11-21T09:00:00.000Z' });
  expect((await reschedule(id, '2025-11-20T10:00:00Z')).body).toMatchObject({ state: 'scheduled', late: true });
  await pass(0, 'u1');
  await becomes(id, 'sent');
  expect((await reschedule(id, '2025-12-02T09:00:00Z')).body).toEqual({ notification_id: id, state: 'too_late' });
});

test('a repeated move whose answer was lost moves once, and answers as the first', async () => {
  const { send, reschedule, count, tidings } = at();
  const [{ notification_id: id }] = (await send({ scheduled_at: '2025-12-01T09:00:00Z' })).body.results;
  const first = await reschedule(id, '2025-12-02T09:00:00Z', { 'idempotency-key': 'move' });
  await tidings.database.pool.query('delete from idempotency_keys');
  tidings.clock.now += 60_000;
  const again = await reschedule(id, '2025-12-02T09:00:00Z', { 'idempotency-key': 'move' });
  expect(again.body).toEqual(first.body);
  expect(await count('events')).toBe(2);
});

test('what expires before it is due is rejected, and a move beyond its expiry as well', async () => {
  const { send, reschedule } = at();
  const body = { scheduled_at: '2025-12-01T09:00:00Z', expires_at: '2025-12-01T10:00:00Z' };
  const [{ notification_id: id }] = (await send(body)).body.results;
  expect((await reschedule(id, '2025-12-01T11:00:00Z')).body).toMatchObject({ code: 'invalid_notification' });
});

test('what could not be sent before its expiry is not sent, and says why', async () => {
  const { send, get, pass, server, count } = at();
  const body = { scheduled_at: '2025-12-01T09:00:00Z', expires_at: '2025-12-01T10:00:00Z' };
  const [{ notification_id: id }] = (await send(body)).body.results;
  await pass(30 * 24 * HOUR, 'u1');
  expect((await get(id)).body.state).toBe('suppressed');
  expect(await count('deliveries')).toBe(0);
  expect((await server.get('/api/v1/explain/u1/ORDER')).body.paragraph).toContain('the request let it expire on');
});

test('a backtest over direct sends, schedules, moves and cancellations reproduces each decision', async () => {
  const { send, reschedule, cancel, pass, tidings, user } = at();
  const since = tidings.clock.now;
  await user('u1', { time_zone: 'Europe/Berlin' });
  await send({ priority: 'LOW', content: { title: 'T', text: 'x' } });
  const scheduled_at = { local: '2025-12-01T09:00', zone: 'recipient' };
  const ids = [];
  for (let n = 0; n < 4; n++) ids.push((await send({ scheduled_at })).body.results[0].notification_id);
  tidings.clock.now += 1000;
  await reschedule(ids[0], '2025-12-03T09:00:00Z');
  await cancel(ids[1]);
  tidings.clock.now += 1000;
  await user('u1', { time_zone: 'Asia/Kolkata' });
  await pass(14 * 24 * HOUR, 'u1');
  await send({ scheduled_at: '2025-11-20T09:00:00Z' });
  tidings.clock.now += 1000;
  const report = await tidings.backtest(since);
  expect(report.reproduced).toEqual({ decisions: expect.any(Number), different: 0, examples: [] });
  expect(report.reproduced?.decisions).toBeGreaterThan(8);
  expect(report.totals).toMatchObject({ live: 5, added: 0, removed: 0, moved: 0, unchanged: 5 });
});
