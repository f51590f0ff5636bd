import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { loadExample } from './support/catalog.ts';
import { runCommand } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { fakeProvider } from './support/providers.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** One search over everything of which an id, a name or an address is known. */

const KEY = 'the-key-of-the-search';
const TIME = '2025-10-31T10:00:00Z';

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  const source = await loadExample('fintech');
  source.set(
    'events.yaml',
    `${source.get('events.yaml')}\n  booked: { properties: { booking_id: string, starts_at: timestamp } }\n`,
  );
  source.set(
    'rules.yaml',
    `${source.get('rules.yaml')}\n  WELCOME_BACK: { on: booked, key: event.booking_id, at: event.starts_at, notify: WELCOME_EMAIL }\n`,
  );
  tidings = await testTidings({ email: fakeProvider(() => ({ kind: 'sent' })) }, source);
  server = await testServer(tidings, { apiKeys: [KEY] });
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

const as = (key: string) => ({ 'x-api-key': key });
const post = async (event: object) => {
  const { body } = await server.post('/api/v1/events', { event_timestamp: TIME, ...event }, as(KEY));
  expect(body.accepted).toBe(1);
};
const search = async (text: string, key = KEY) => (await server.post('/api/v1/search', { text }, as(key))).body;
/** Returns `KIND ID (FOUND_BY)` of each result. */
const find = async (text: string): Promise<string[]> =>
  (await search(text)).results.map((one: Record<string, string>) => `${one.kind} ${one.id} (${one.found_by})`);

describe('users', () => {
  beforeAll(async () => {
    const traits = {
      first_name: 'Maria',
      last_name: 'Silva',
      email: 'Maria.Silva@example.com',
      phone: '+351912345678',
    };
    await post({ user_id: 'U_12345', event_id: 'first-1', event_type: 'signup_completed', user_traits: traits });
    await post({ user_id: 'other', event_type: 'signup_completed', user_traits: { first_name: 'Mariana' } });
  });

  test.each(['U_12345', 'u_123', '2345', '_12'])(
    'are found by their id, any part of it in any case: %s',
    async (text) => {
      expect(await find(text)).toEqual(['user U_12345 (id)']);
    },
  );

  test.each([
    ['maria.silva@EXAMPLE.com', 'email'],
    ['+351 912 345 678', 'phone'],
    ['00351912345678', 'phone'],
  ])('are found by the whole address %s, which is not in the answer', async (text, by) => {
    const body = await search(text);
    expect(body.results).toEqual([
      { kind: 'user', id: 'U_12345', found_by: by, user_id: 'U_12345', name: null, status: null, at: null },
    ]);
    expect(JSON.stringify(body)).not.toMatch(/silva@|91234/i);
  });

  test('are not found by a part of an address', async () => {
    expect(await find('silva@example.com')).toEqual([]);
    expect(await find('912345678')).toEqual([]);
  });

  test('are found by the start of their name', async () => {
    expect(await find('maria')).toEqual(['user U_12345 (name)', 'user other (name)']);
  });

  test('beyond eight are not listed, and the answer says that there are more', async () => {
    for (let n = 0; n < 10; n++) await post({ user_id: `many-${n}`, event_type: 'card_frozen' });
    const { results, has_more, partly_searched } = await search('MANY');
    expect(results).toHaveLength(8);
    expect([has_more, partly_searched]).toEqual([['user'], []]);
  });
});

test('an event, its notification and delivery are found by their ids, and the message by the id of its provider', async () => {
  await post({
    user_id: 'ana',
    event_id: 'pay 7',
    event_type: 'signup_completed',
    user_traits: { email: 'ana@example.com', marketing_opt_in: true },
  });
  const { notification_id: id } = (
    await tidings.pool.query("select notification_id from deliveries where user_id = 'ana'")
  ).rows[0];
  await tidings.pool.query(
    `insert into provider_messages (tenant_id, provider, message_key, notification_id, channel, target, sent_at)
     select tenant_id, 'ses', 'ses-message-1', notification_id, channel, target, now() from deliveries where notification_id = $1`,
    [id],
  );
  expect(await find('pay 7')).toEqual(['event pay 7 (id)']);
  expect((await search('pay 7')).results).toMatchObject([{ user_id: 'ana', at: '2025-10-31T10:00:00.000Z' }]);
  expect(await find(id)).toEqual([`notification ${id} (id)`]);
  expect(await find(`${id}.email`)).toEqual([`delivery ${id}.email (id)`]);
  expect((await search('ses-message-1')).results).toMatchObject([
    { kind: 'delivery', id: `${id}.email`, found_by: 'provider_message_id', name: 'WELCOME_EMAIL', user_id: 'ana' },
  ]);
});

test('waits are found by their key, also after they ended; the latest first', async () => {
  const starts_at = new Date(tidings.clock.now + 86_400_000).toISOString();
  const booked = {
    event_type: 'booked',
    event_timestamp: new Date(tidings.clock.now).toISOString(),
    properties: { booking_id: 'b_246_2', starts_at },
  };
  await post({ user_id: 'wanda', ...booked });
  tidings.clock.now += 1000;
  await post({ user_id: 'willy', ...booked });
  const { results } = await search('b_246_2');
  expect(results).toMatchObject([
    { kind: 'wait', user_id: 'willy', found_by: 'key', name: 'WELCOME_BACK', status: 'waiting', at: starts_at },
    { kind: 'wait', user_id: 'wanda' },
  ]);
  await server.post(`/api/v1/waits/${results[0].id}/cancel`, undefined, as(KEY));
  expect((await search('b_246_2')).results).toMatchObject([
    { user_id: 'willy', status: 'cancelled' },
    { user_id: 'wanda' },
  ]);
});

test('types, rules and events of the catalog are found by any part of their name', async () => {
  expect(await find('welcome')).toEqual([
    'notification_type WELCOME_EMAIL (name)',
    'rule WELCOME_BACK (name)',
    'rule WELCOME_EMAIL (name)',
  ]);
  expect(await find('BANK_SUC')).toEqual(['event_type link_bank_success (name)']);
});

test('what is not found says where it was looked for', async () => {
  const { results, searched, not_searched } = await search('nothing of this name');
  expect([results, not_searched]).toEqual([[], []]);
  expect(searched).toEqual([
    'user',
    'event',
    'notification',
    'delivery',
    'wait',
    'notification_type',
    'rule',
    'event_type',
    'template',
  ]);
});

test('a key finds only what it may read, and the answer says what was left out', async () => {
  const made = await server.post('/api/v1/keys', { name: 'users only', scopes: ['users:read'] }, as(KEY));
  const body = await search('welcome', made.body.key);
  expect([body.results, body.searched]).toEqual([[], ['user']]);
  expect(body.not_searched).toContainEqual({ kind: 'rule', scope: 'catalog:read' });
  const blind = await server.post('/api/v1/keys', { name: 'events only', scopes: ['events:write'] }, as(KEY));
  expect((await server.post('/api/v1/search', { text: 'x' }, as(blind.body.key))).status).toBe(403);
});

test.each([{ text: ' ' }, { text: 'x'.repeat(321) }, { text: 'a\0b' }, {}])('rejects %j', async (body) => {
  expectProblem(await server.post('/api/v1/search', body, as(KEY)), {
    status: 400,
    code: 'invalid_request',
    pointer: '/text',
  });
});

test('is a command as well', async () => {
  process.env.TIDINGS_URL = server.url;
  process.env.TIDINGS_API_KEY = KEY;
  try {
    expect((await runCommand('search', 'WELCOME_B')).text).toBe('rule  WELCOME_BACK  (by name)');
    expect((await runCommand('search', 'no such thing')).text).toMatch(/^Nothing was found\. Searched: user, event/);
  } finally {
    delete process.env.TIDINGS_URL;
    delete process.env.TIDINGS_API_KEY;
  }
});
