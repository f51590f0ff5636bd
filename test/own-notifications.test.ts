import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';
import { bearer } from './support/tokens.ts';

/** Views that users have of their own notifications, and the one of support, which gives a reason. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
  await api.tidings.worker();
  for (const user of ['ann', 'bob']) {
    const event = {
      user_id: user,
      event_type: 'signup_completed',
      event_timestamp: '2025-11-20T11:00:00Z',
      properties: { signup_method: 'google' },
      user_traits: { first_name: user, email: `${user}@example.com`, phone: '+4915112345678', marketing_opt_in: true },
    };
    expect((await api.server.post('/api/v1/events', event)).body).toMatchObject({ accepted: 1 });
  }
  for (let round = 0; round < 200; round++) {
    const { body } = await api.server.get('/api/v1/deliveries');
    if (body.deliveries.filter((one: { has_message: boolean }) => one.has_message).length === 2) break;
    await sleep(20);
  }
});

afterAll(() => api.close());

async function getOwn(user: string, query = '') {
  const { token } = (await api.server.post(`/api/v1/users/${user}/tokens`)).body;
  return api.server.get(`/api/v1/me/notifications${query}`, bearer(token));
}

test('a user sees the own notifications with their messages, and nothing of rules or of others', async () => {
  const { status, body } = await getOwn('ann');
  expect([status, body.next]).toEqual([200, null]);
  expect(body.notifications).toHaveLength(1);
  const [notification] = body.notifications;
  expect(Object.keys(notification).sort()).toEqual(
    ['category', 'created_at', 'deliveries', 'notification_id', 'notification_type'].sort(),
  );
  expect(notification.deliveries).toMatchObject([
    { channel: 'email', status: 'sandboxed', message: { text: expect.any(String) } },
  ]);
  expect(JSON.stringify(body)).not.toContain('bob');
  expect((await getOwn('unknown')).body).toEqual({ notifications: [], next: null });
});

test('pages go from the newest to the oldest, and a cursor of another user shows nothing of that user', async () => {
  const first = (await getOwn('ann', '?limit=1')).body;
  expect(first.next).toEqual(expect.any(String));
  expect((await getOwn('ann', `?limit=1&after=${first.next}`)).body).toEqual({ notifications: [], next: null });
  const other = (await getOwn('bob', `?after=${first.next}`)).body;
  expect(JSON.stringify(other)).not.toContain('ann');
  expect((await getOwn('ann', '?after=x')).body.code).toBe('invalid_request');
});

test('no key reaches /me', async () => {
  const { status, body } = await api.server.get('/api/v1/me/notifications');
  expect([status, body.code]).toEqual([403, 'forbidden']);
});

test('addresses are shown to who gives a reason, which the audit log keeps', async () => {
  const { status, body, headers } = await api.server.post('/api/v1/users/ann/reveal', { reason: 'ticket 4711' });
  expect([status, body]).toEqual([200, { user_id: 'ann', email: 'ann@example.com', phone: '+4915112345678' }]);
  expect(headers.get('cache-control')).toBe('no-store');
  const { entries } = (await api.server.get('/api/v1/audit-log')).body;
  expect(entries[0]).toMatchObject({ action: 'user.revealed', subject: 'ann', detail: { reason: 'ticket 4711' } });
  expect(JSON.stringify(entries)).not.toContain('ann@example.com');
});

test.each([undefined, {}, { reason: '' }, { reason: '  ' }, { reason: 1 }, { reason: 'x'.repeat(501) }])(
  'with %j nothing is shown',
  async (body) => {
    const answer = await api.server.post('/api/v1/users/ann/reveal', body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
  },
);

test('a user without addresses is shown without, and an unknown one does not exist', async () => {
  const event = { event_type: 'signup_completed', event_timestamp: '2025-11-20T11:00:00Z', user_id: 'carl' };
  await api.server.post('/api/v1/events', { ...event, properties: { signup_method: 'google' } });
  const { body } = await api.server.post('/api/v1/users/carl/reveal', { reason: 'ticket 1' });
  expect(body).toEqual({ user_id: 'carl', email: null, phone: null });
  const { status } = await api.server.post('/api/v1/users/unknown/reveal', { reason: 'ticket 1' });
  expect(status).toBe(404);
});

test('a message is shown unmasked to who gives a reason', async () => {
  const [delivery] = (await api.server.get('/api/v1/deliveries')).body.deliveries;
  const { status, body } = await api.server.post(`/api/v1/deliveries/${delivery.delivery_id}/reveal`, {
    reason: 'ticket 2',
  });
  expect([status, body]).toMatchObject([200, { channel: 'email', text: expect.any(String) }]);
  const { entries } = (await api.server.get('/api/v1/audit-log')).body;
  expect(entries[0]).toMatchObject({ action: 'delivery.revealed', subject: delivery.delivery_id });
  expect((await api.server.post('/api/v1/deliveries/x/reveal', { reason: 'ticket 2' })).status).toBe(404);
});
