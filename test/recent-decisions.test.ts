import { afterAll, beforeAll, expect, test } from 'vitest';
import { payment, type TestApi, testApi } from './support/api.ts';

/** `GET /api/v1/decisions`: the latest decisions, for those who follow them live. */

const WAITING = new Map([
  ['events.yaml', 'events: { go: {} }'],
  ['notifications.yaml', 'notifications: { LATER: { category: SYSTEM, channels: [internal] } }'],
  ['rules.yaml', 'rules: { LATER: { on: go, delay: 30s } }'],
  ['templates/LATER/internal.en.txt', 'Later.'],
]);

let api: TestApi;
const list = async (query = '') => (await api.server.get(`/api/v1/decisions${query}`)).body;
const signup = (user: string) => ({
  user_id: user,
  event_type: 'signup_completed',
  event_timestamp: '2025-10-31T19:00:00Z',
  user_traits: { marketing_opt_in: true },
});

beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

test('decisions are listed newest first, of all users, or of one user or rule', async () => {
  await api.server.post('/api/v1/events', payment({ user_id: 'a', properties: { attempt_number: 1 } }));
  api.tidings.clock.now += 1000;
  await api.server.post('/api/v1/events', signup('b'));
  const { decisions, has_more } = await list();
  expect(has_more).toBe(false);
  expect(decisions[0]).toMatchObject({
    user_id: 'b',
    rule: 'WELCOME_EMAIL',
    outcome: 'send',
    event_type: 'signup_completed',
  });
  expect(decisions.at(-1)).toMatchObject({ user_id: 'a', reason: expect.any(String), decision_id: expect.any(String) });
  expect(new Set((await list('?user_id=a')).decisions.map((one: { user_id: string }) => one.user_id))).toEqual(
    new Set(['a']),
  );
  expect((await list('?rule=WELCOME_EMAIL')).decisions).toMatchObject([{ user_id: 'b' }]);
  expect((await list('?rule=NO_SUCH')).decisions).toEqual([]);
});

test('since is a bound, and no list looks back more than ten minutes', async () => {
  const { as_of } = await list();
  expect((await list(`?since=${as_of}`)).decisions).toEqual([]);
  expect((await list('?since=1970-01-01T00:00:00Z')).decisions.length).toBeGreaterThan(0);
  api.tidings.clock.now += 11 * 60_000;
  expect((await list('?since=1970-01-01T00:00:00Z')).decisions).toEqual([]);
});

test('a list that is cut off says so', async () => {
  await api.server.post('/api/v1/events', [signup('c'), signup('d'), signup('e')]);
  const { decisions, has_more } = await list('?limit=2');
  expect([new Set(decisions.map((one: { user_id: string }) => one.user_id)).size, has_more]).toEqual([2, true]);
});

test('a wait that sends is listed with the rule and the event that started it', async () => {
  await api.tidings.apply(WAITING);
  await api.server.post('/api/v1/events', {
    user_id: 'w',
    event_type: 'go',
    event_timestamp: new Date(api.tidings.clock.now).toISOString(),
  });
  expect((await list('?user_id=w')).decisions).toMatchObject([{ outcome: 'scheduled', rule: 'LATER' }]);
  api.tidings.clock.now += 60_000;
  await api.tidings.fireDueWaits(['w']);
  expect((await list('?user_id=w')).decisions).toMatchObject([
    { outcome: 'send', rule: 'LATER', event_type: 'go' },
    { outcome: 'scheduled', rule: 'LATER' },
  ]);
  expect((await list('?rule=LATER')).decisions).toHaveLength(2);
});

test.each(['since=yesterday', 'limit=0', 'usr=a'])('?%s is answered with invalid_request', async (query) => {
  const { status, body } = await api.server.get(`/api/v1/decisions?${query}`);
  expect([status, body.code]).toEqual([400, 'invalid_request']);
});
