import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Excerpts, stored with large events; and what a decision says when a bound of the look-ups was reached. */

const CATALOG = new Map([
  ['events.yaml', 'events: { invited: {}, joined: {}, clicked: {}, bought: {} }\n'],
  ['notifications.yaml', 'notifications:\n  N: { category: SYSTEM, channels: [internal] }\n'],
  [
    'rules.yaml',
    `rules:
  JOINED: { on: joined, after: { event: invited, within: 1h, same: event.guest.invitee }, when: matched.invited.n > 0, notify: N }
  CLICKED: { on: bought, count: { of: clicked, at_least: 600, within: 1h, same: event.card }, notify: N }
`,
  ],
  ['templates/N/internal.en.txt', 'x\n'],
]);

let tidings: TestTidings;

beforeAll(async () => {
  tidings = await testTidings({}, CATALOG);
});
afterAll(() => tidings.close());

const event = (type: string, minutes: number, properties: object, more: object = {}) => ({
  user_id: 'u',
  event_type: type,
  event_timestamp: new Date(tidings.clock.now - minutes * 60_000).toISOString(),
  properties,
  ...more,
});

const large = 'large '.repeat(4000);

async function excerptOf(type: string) {
  const { rows } = await tidings.pool.query('select excerpt from events where event_type = $1 order by event_time', [
    type,
  ]);
  return rows.map(({ excerpt }) => excerpt);
}

test('the excerpt of a large event has its small values and names the others; it has no address', async () => {
  await tidings.ingest([
    event('invited', 3, { n: 1, large, guest: { invitee: 'maria@example.com', age: 30, about: large } }),
    event('invited', 2, { n: 2, large, guest: { invitee: 'mark@example.com', age: 40, about: large } }),
  ]);
  expect(await excerptOf('invited')).toMatchObject([
    {
      properties: { n: 1, guest: { age: 30 } },
      omitted: [
        ['event', 'guest', 'about'],
        ['event', 'guest', 'invitee'],
        ['event', 'large'],
      ],
    },
    { properties: { n: 2, guest: { age: 40 } } },
  ]);
  expect(JSON.stringify(await excerptOf('invited'))).not.toMatch(/maria|mark|example/);
});

test('an address in a large event is compared as it was posted', async () => {
  const results = await tidings.ingest([
    event('joined', 1, { guest: { invitee: 'maria@example.com' } }),
    event('joined', 1, { guest: { invitee: 'marc@example.com' } }),
  ]);
  expect(results.map(({ decisions }) => decisions.map((decision) => decision.reason_code))).toEqual([
    ['matched'],
    ['pattern_incomplete'],
  ]);
  expect(results[0]?.decisions[0]?.evidence.left_out).toBeUndefined();
});

test('an ordinary event has no excerpt', async () => {
  expect(await excerptOf('joined')).toEqual([null, null]);
});

test('a decision on as many events as are loaded says so', async () => {
  const clicks = Array.from({ length: 1050 }, (_, n) =>
    event('clicked', 30 - n / 100, { card: n % 2 ? 'c' : 'd' }, { event_id: `click ${n}` }),
  );
  await tidings.ingest(clicks);
  const [result] = await tidings.ingest([event('bought', 0, { card: 'c' })]);
  expect(result?.decisions).toMatchObject([
    {
      reason_code: 'count_not_met',
      evidence: {
        count: { counted: 500 },
        left_out: [{ facts: 'events', event_type: 'clicked', examined: 1000, bound: '1,000 events' }],
      },
    },
  ]);
});
