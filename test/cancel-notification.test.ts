import { expect, test } from 'vitest';
import { claimDeliveries } from '../src/store/deliveries/claim.ts';
import { releaseDeliveries } from '../src/store/deliveries/claimed-delivery.ts';
import { useNotifications } from './support/notifications.ts';

/** A cancellation says truthfully what went out, whatever it meets. */

const at = useNotifications();
const WANTS = [
  { channel: 'email', count: 1 },
  { channel: 'sms', count: 1 },
] as const;

test('what is scheduled is cancelled, and stays so when its time comes; a second time says the same', async () => {
  const { send, cancel, get, pass, count, server } = at();
  const [{ notification_id: id }] = (await send({ scheduled_at: '2025-12-01T09:00:00Z' })).body.results;
  const cancelled = { notification_id: id, state: 'cancelled', cancelled: [], sent: [], sending: [], in_doubt: [] };
  expect((await cancel(id)).body).toEqual(cancelled);
  expect((await cancel(id)).body).toEqual(cancelled);
  await pass(30 * 86_400_000, 'u1');
  expect(await count('notifications')).toBe(0);
  expect((await get(id)).body).toMatchObject({ state: 'cancelled', cancelled_at: '2025-11-20T12:00:00.000Z' });
  const [decision] = (await server.get('/api/v1/explain/u1/ORDER')).body.decisions;
  expect(decision).toMatchObject({ outcome: 'cancelled', reason_code: 'cancelled_by_request' });
  expect(decision.reason).toBe('Cancelled: a request cancelled the notification before its time.');
  const { entries } = (await server.get('/api/v1/audit-log')).body;
  const actions = entries.map(({ action }: { action: string }) => action);
  expect(actions.filter((action: string) => action !== 'catalog.applied')).toEqual(['wait.cancelled']);
});

test('what is queued or held is cancelled on every channel', async () => {
  const { send, cancel, get, tidings } = at();
  const [one] = (await send({ type: 'STEPS' })).body.results;
  expect(one.channels).toEqual({ sms: { plan: 'go' }, email: { plan: 'hold', code: 'fallback' } });
  expect((await cancel(one.notification_id)).body).toMatchObject({ state: 'cancelled', cancelled: ['email', 'sms'] });
  tidings.clock.now += 7_200_000;
  expect(await claimDeliveries(tidings.database.pool, 'w', WANTS, tidings.clock.now, 30_000)).toEqual([]);
  expect((await get(one.notification_id)).body.state).toBe('cancelled');
});

test('what went out is named, and only the rest is cancelled', async () => {
  const { send, cancel, becomes, tidings, user, get } = at();
  await user('u1', { phone: '+351912345678', email: 'maria@example.com' });
  await tidings.worker();
  const [{ notification_id: id }] = (await send({ channels: ['sms'] })).body.results;
  await becomes(id, 'sent');
  expect((await cancel(id)).body).toMatchObject({ state: 'too_late', sent: ['sms'], cancelled: [] });
  expect((await get(id)).body.state).toBe('sent');
});

test('what is being sent is too late, and is not tried again: neither after its failure nor by an operator', async () => {
  const { send, cancel, get, tidings, user, server } = at();
  await user('u1', { phone: '+351912345678', email: 'maria@example.com' });
  const [{ notification_id: id }] = (await send({})).body.results;
  const { pool } = tidings.database;
  const claimed = await claimDeliveries(pool, 'w', [{ channel: 'sms', count: 1 }], tidings.clock.now, 30_000);
  expect(claimed).toHaveLength(1);
  expect((await cancel(id)).body).toMatchObject({ state: 'too_late', sending: ['sms'], cancelled: ['email'] });
  await releaseDeliveries(pool, claimed, tidings.clock.now);
  expect(await claimDeliveries(pool, 'w', WANTS, tidings.clock.now, 30_000)).toEqual([]);
  expect((await get(id)).body).toMatchObject({
    state: 'cancelled',
    deliveries: [
      { status: 'cancelled', reason_code: 'cancelled' },
      { status: 'cancelled', reason_code: 'cancelled' },
    ],
  });
  expect((await cancel(id)).body.state).toBe('cancelled');
  expect((await server.post(`/api/v1/deliveries/${id}.sms/retry`)).body.code).toBe('not_retryable');
});

test('a cancellation that races a claim tells the truth, whichever is first', async () => {
  const { send, cancel, tidings } = at();
  const { pool } = tidings.database;
  const outcomes = new Set<string>();
  for (let round = 0; round < 30; round++) {
    const [{ notification_id: id }] = (await send({ recipients: [{ user_id: `u${round}` }], channels: ['sms'] })).body
      .results;
    const early = round % 3;
    const claim = () => claimDeliveries(pool, `w${round}`, [{ channel: 'sms', count: 1 }], tidings.clock.now, 30_000);
    const [answer, claimed] =
      early === 0
        ? await Promise.all([cancel(id), claim()])
        : early === 1
          ? [await cancel(id), await claim()]
          : await claim().then(async (made) => [await cancel(id), made] as const);
    const isClaimed = claimed.some(({ notificationId }) => notificationId === id);
    expect(answer.body).toMatchObject(
      isClaimed ? { state: 'too_late', sending: ['sms'] } : { state: 'cancelled', cancelled: ['sms'] },
    );
    outcomes.add(answer.body.state);
  }
  expect(outcomes).toEqual(new Set(['cancelled', 'too_late']));
});

test('a wait that fires while it is cancelled is one or the other', async () => {
  const { send, cancel, tidings, count } = at();
  for (let round = 0; round < 10; round++) {
    const user_id = `u${round}`;
    const soon = new Date(tidings.clock.now + 1000).toISOString();
    const [{ notification_id: id }] = (await send({ recipients: [{ user_id }], channels: ['sms'], scheduled_at: soon }))
      .body.results;
    tidings.clock.now += 2000;
    const before = await count('notifications');
    const [answer] = await Promise.all([cancel(id), tidings.fireDueWaits([user_id])]);
    expect(answer.body.state).toBe('cancelled');
    const made = (await count('notifications')) - before;
    expect(answer.body.cancelled).toEqual(made === 1 ? ['sms'] : []);
  }
});

test('an id of nothing is not found', async () => {
  const { cancel, reschedule, get } = at();
  for (const id of ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e', 'nothing']) {
    for (const answer of [await cancel(id), await get(id), await reschedule(id, '2025-12-01T09:00:00Z')])
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
  }
});

test('the list has what is scheduled and what was made, by user, type, state and correlation id, page by page', async () => {
  const { send, cancel, server, tidings, becomes, user } = at();
  await user('u1', { phone: '+351912345678', email: 'maria@example.com' });
  await tidings.ingest([{ user_id: 'u1', event_type: 'signed_up', event_timestamp: '2025-11-20T12:00:00Z' }]);
  const made: string[] = [];
  for (let n = 0; n < 3; n++) {
    tidings.clock.now += 1000;
    const body = { type: n === 2 ? 'PROMO' : 'ORDER', context: { correlation_id: `c-${n}`, source: 'shop' } };
    made.push((await send(body)).body.results[0].notification_id);
  }
  const later = (
    await send({
      recipients: [{ user_id: 'u2' }],
      scheduled_at: '2099-12-01T09:00:00Z',
      context: { correlation_id: 'c-0' },
    })
  ).body.results[0].notification_id;
  await cancel(made[1] as string);
  const list = async (query: string) => (await server.get(`/api/v1/notifications?${query}`)).body;
  const ids = async (query: string) =>
    (await list(query)).notifications.map((one: { notification_id: string }) => one.notification_id);
  expect(
    (await list('')).notifications.map(({ state, rule }: { state: string; rule: string }) => `${state} ${rule}`),
  ).toEqual(['scheduled @direct', 'accepted @direct', 'cancelled @direct', 'accepted @direct', 'accepted ORDER']);
  expect(await ids('user_id=u2')).toEqual([later]);
  expect(await ids('state=cancelled')).toEqual([made[1]]);
  expect(await ids('state=scheduled')).toEqual([later]);
  expect(await ids('type=PROMO')).toEqual([made[2]]);
  expect(await ids('correlation_id=c-0')).toEqual([later, made[0]]);
  const pages: string[] = [];
  for (let after = ''; ; ) {
    const page = await list(`limit=2${after}`);
    pages.push(...page.notifications.map((one: { notification_id: string }) => one.notification_id));
    if (page.next === null) break;
    after = `&after=${encodeURIComponent(page.next)}`;
  }
  expect(pages).toEqual(await ids(''));
  await tidings.worker();
  await becomes(made[0] as string, 'sent');
  expect(await ids('state=sent&user_id=u1')).toContain(made[0]);
});
