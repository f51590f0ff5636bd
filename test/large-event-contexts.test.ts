import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Rules that read the context of a large event see it as it was posted: also later, when it is stored with addresses masked. */

const CATALOG = new Map([
  ['events.yaml', 'events: { invited: {}, joined: {} }\n'],
  ['notifications.yaml', 'notifications:\n  N: { category: SYSTEM, channels: [internal] }\n'],
  [
    'rules.yaml',
    `rules:
  NOW: { on: joined, when: context.contact == "maria@example.com", notify: N }
  LATER: { on: joined, after: { event: invited, within: 1h }, when: context.contact == "maria@example.com", notify: N }
  WAITING: { on: joined, delay: 1h, when: context.contact == "maria@example.com", notify: N }
`,
  ],
  ['templates/N/internal.en.txt', '{{context.contact}}\n'],
]);

let tidings: TestTidings;
let since: number;

beforeAll(async () => {
  tidings = await testTidings({}, CATALOG);
  since = tidings.clock.now;
  tidings.clock.now += 1;
});
afterAll(() => tidings.close());

const event = (user: string, type: string, minutes: number, more: object = {}) => ({
  user_id: user,
  event_type: type,
  event_timestamp: new Date(tidings.clock.now - minutes * 60_000).toISOString(),
  ...more,
});

/** The users, and what their events have: whether they are large, and how large the context is. */
const USERS = [
  ['of an ordinary event', 'plain', 0, 0],
  ['of a large event', 'large', 24_000, 0],
  ['of a large event, just within what is read of it', 'full', 24_000, 8 * 1024 - 'maria@example.com'.length - 60],
] as const;

const codes = (results: Awaited<ReturnType<TestTidings['ingest']>>) =>
  results.map(({ decisions }) => decisions.map(({ rule, reason_code }) => `${rule} ${reason_code}`));

describe.each(USERS)('an address in the context %s', (_what, user, size, contextSize) => {
  const context = { contact: 'maria@example.com', more: 'x'.repeat(contextSize) };
  const more = { properties: { text: 'x'.repeat(size) }, context };

  test('is masked where it is stored', async () => {
    const results = await tidings.ingest([event(user, 'joined', 10, more)]);
    expect(codes(results)).toEqual([['NOW matched', 'LATER pattern_incomplete', 'WAITING waiting']]);
    const { rows } = await tidings.pool.query('select context, excerpt from events where user_id = $1', [user]);
    expect(JSON.stringify(rows)).not.toContain('maria@');
    expect(rows[0].excerpt !== null).toBe(size > 0);
  });

  test('is compared as it was posted when a late event makes the pattern complete', async () => {
    tidings.clock.now += 1000;
    expect(codes(await tidings.ingest([event(user, 'invited', 20)]))).toEqual([['LATER matched']]);
  });
});

test('a backtest decides the same', async () => {
  tidings.clock.now += 2 * 3_600_000;
  expect(await tidings.fireDueWaits(USERS.map(([, user]) => user))).toBe(USERS.length);
  expect((await tidings.backtest(since)).reproduced).toMatchObject({ different: 0 });
});
