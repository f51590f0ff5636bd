import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import type { Millis } from '../src/model/event.ts';
import { formatLocalTimeKey, nextOccurrence } from '../src/time/calendar.ts';
import { runLikeProcess } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { runs } from './support/properties.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** A forecast names the messages that a user gets if nothing else happens. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const CRON = '0 9 * * *';

const FILES = new Map([
  [
    'events.yaml',
    `events:
  began: { properties: { n: integer, at: string } }
  ended: {}
  news: { properties: { n: integer } }
  reached: { properties: { n: integer } }
traits: { email: string, time_zone: string, plan: string, level: string }
`,
  ],
  [
    'notifications.yaml',
    `notifications:
  LATER: { category: OPERATIONAL, channels: [email, in_app] }
  UNLESS: { category: OPERATIONAL, channels: [in_app] }
  DIGEST: { category: OPERATIONAL, channels: [in_app] }
  QUIET: { category: OPERATIONAL, channels: [in_app] }
  REMINDER: { category: OPERATIONAL, channels: [in_app] }
  CAUSED: { category: OPERATIONAL, channels: [in_app] }
  DAILY: { category: OPERATIONAL, channels: [in_app] }
  NEWS: { category: OPERATIONAL, channels: [email] }
  IN_TURN: { category: OPERATIONAL, channels: { first_of: [in_app, email], wait: 1h } }
`,
  ],
  [
    'rules.yaml',
    `rules:
  LATER: { on: began, delay: 5h, limit: 1 per day }
  UNLESS: { on: began, unless: { event: ended, within: 30h }, when: event.n >= 2 }
  DIGEST: { on: news, digest: { window: 6h } }
  QUIET: { on: news, debounce: { quiet: 2h } }
  REMINDER: { on: began, at: event.at - 1h }
  MARK: { on: began, delay: 20h, do: [{ set: { level: '"gold"' } }, { emit: reached, with: { n: event.n } }] }
  CAUSED: { on: reached, delay: 1h, when: user.level == "gold" }
  DAILY: { every: day 09:00, for: user.plan == "pro", zone: user, limit: 3 per 7d }
  NEWS: { on: news }
  IN_TURN: { on: began, delay: 3h }
`,
  ],
  ...['LATER', 'NEWS', 'IN_TURN'].flatMap((name): [string, string][] => [
    [`templates/${name}/email.en.subject.txt`, name],
    [`templates/${name}/email.en.txt`, name],
  ]),
  ['templates/NEWS.digest/email.en.subject.txt', '{{total}} news'],
  ['templates/NEWS.digest/email.en.txt', '{{total}} news'],
  ...['LATER', 'UNLESS', 'DIGEST', 'QUIET', 'REMINDER', 'CAUSED', 'DAILY', 'IN_TURN'].map((name): [string, string] => [
    `templates/${name}/in_app.en.txt`,
    name,
  ]),
]);

let tidings: TestTidings;
let server: TestServer;
let users = 0;

beforeAll(async () => {
  tidings = await testTidings({ in_app: sandboxProvider(['in_app']), email: sandboxProvider(['email']) }, FILES);
  server = await testServer(tidings);
});

afterAll(async () => {
  await server.close();
  await tidings.close();
});

interface Posted {
  readonly type: 'began' | 'ended' | 'news';
  readonly n: number;
  /** Hours since the event before it. */
  readonly after: number;
  /** Hours from the event on, of `event.at`. */
  readonly at: number;
}

async function post(user: string, { type, n, at }: Omit<Posted, 'after'>, traits: object = {}): Promise<void> {
  const { now } = tidings.clock;
  const properties = type === 'ended' ? {} : { n, ...(type === 'began' && { at: toIso(now + at * HOUR) }) };
  const [result] = await tidings.ingest([
    {
      event_id: `${user} ${type} ${now}`,
      user_id: user,
      event_type: type,
      event_timestamp: toIso(now),
      properties,
      user_traits: traits,
    },
  ]);
  expect(result?.status).toBe('accepted');
}

function newUser(): string {
  return `user ${++users}`;
}

const forecastOf = async (user: string, days = 7) => {
  const { status, body } = await server.get(`/api/v1/users/${encodeURIComponent(user)}/forecast?days=${days}`);
  expect([status, body]).toMatchObject([200, {}]);
  return body;
};

function toIso(time: Millis): string {
  return new Date(time).toISOString();
}

/** Lets the timer do its work for one user until then, at the times at which it is due. */
async function letPass(user: string, until: Millis, zone: string): Promise<void> {
  let occurrence = nextOccurrence(CRON, zone, tidings.clock.now) as Millis;
  for (;;) {
    const { rows } = await tidings.database.pool.query<{ due: number | null }>(
      `select min(due_at) as due from waits where user_id = $1 and status = 'waiting'`,
      [user],
    );
    const due = rows[0]?.due ?? Number.POSITIVE_INFINITY;
    const next = Math.min(due, occurrence);
    if (next >= until) break;
    tidings.clock.now = Math.max(tidings.clock.now, next);
    if (due <= occurrence) {
      await tidings.fireDueWaits([user]);
      continue;
    }
    const label = formatLocalTimeKey(occurrence, zone, CRON);
    const about = { tenantId: TENANT, rule: 'DAILY', cron: CRON, zone, due: occurrence, label };
    await tidings.pipeline.runSchedule(about, [user], async () => {});
    occurrence = nextOccurrence(CRON, zone, occurrence) as Millis;
  }
  tidings.clock.now = until;
}

/** Messages of a user by type, channel and time, without those of channels that are only tried after others. */
async function sentTo(user: string, from: Millis, until: Millis): Promise<string[]> {
  const { rows } = await tidings.database.pool.query(
    `select notification_type as type, channel, due_at as at from deliveries
     where user_id = $1 and due_at >= $2 and due_at < $3 and hold_code is distinct from 'fallback'`,
    [user, toIso(from), toIso(until)],
  );
  return rows.map(({ type, channel, at }) => `${toIso(at)} ${type} ${channel}`).sort();
}

/** Takes what is due out of the queue, as a worker does that is never late. */
async function deliverDue(user: string): Promise<void> {
  await tidings.database.pool.query(
    `update deliveries set status = 'sent', finished_at = due_at, hold_code = null where user_id = $1 and status = 'queued' and due_at < $2`,
    [user, toIso(tidings.clock.now)],
  );
}

// biome-ignore lint/suspicious/noExplicitAny: the body of a response
function toForecast(body: any): string[] {
  return body.entries
    .filter((entry: { outcome: string }) => entry.outcome === 'send')
    .flatMap((entry: { notification_type: string; channels: { state: string; channel: string; at: string }[] }) =>
      entry.channels
        .filter(({ state, at }) => (state === 'goes' || state === 'waits') && at < body.until)
        .map(({ channel, at }) => `${at} ${entry.notification_type} ${channel}`),
    )
    .sort();
}

const history = fc.array(
  fc.record<Posted>({
    type: fc.constantFrom('began', 'began', 'ended', 'news', 'news'),
    n: fc.integer({ min: 1, max: 3 }),
    after: fc.constantFrom(0, 1, 2, 5, 13),
    at: fc.constantFrom(-1, 1, 30, 60, 400),
  }),
  { minLength: 1, maxLength: 7 },
);
const said = fc.constantFrom<object>(
  {},
  { quiet_hours: { start: '20:00', end: '08:00' } },
  { types: { NEWS: { frequency: 'DAILY' }, LATER: { in_app: false } } },
  { types: { NEWS: { frequency: 'WEEKLY' } }, quiet_hours: { start: '08:30', end: '10:00', zone: 'Asia/Tokyo' } },
  { all: false },
);

test('is what they get, whatever they did and said, when nothing else happens', async () => {
  await fc.assert(
    fc.asyncProperty(
      history,
      said,
      fc.constantFrom('UTC', 'America/New_York', 'Asia/Kolkata'),
      fc.boolean(),
      async (events, preferences, zone, isPro) => {
        const user = newUser();
        const traits = { email: `${users}@example.com`, time_zone: zone, plan: isPro ? 'pro' : 'free' };
        await post(user, { type: 'ended', n: 1, at: 1 }, traits);
        tidings.clock.now += 1;
        const path = `/api/v1/users/${encodeURIComponent(user)}/preferences`;
        expect((await server.send('PATCH', path, preferences)).status).toBe(200);
        for (const event of events) {
          // The timer is never late.
          await letPass(user, tidings.clock.now + event.after * HOUR + 1, zone);
          await post(user, event);
        }
        tidings.clock.now += 1;
        await deliverDue(user);
        const from = tidings.clock.now;
        const body = await forecastOf(user);
        expect(body).toMatchObject({ reached: null, known_until: body.until, time_zone: zone });
        await letPass(user, from + 7 * DAY, zone);
        const sent = await sentTo(user, from, from + 7 * DAY);
        expect(toForecast(body)).toEqual(sent);
      },
    ),
    runs(10),
  );
}, 180_000);

test('says what is sure, what holds a message back, and where quiet hours move it; and writes nothing', async () => {
  const user = newUser();
  const { pool } = tidings.database;
  tidings.clock.now = Date.parse('2026-03-02T10:00:00Z');
  await post(user, { type: 'news', n: 1, at: 1 }, { email: 'sure@example.com', time_zone: 'Europe/Lisbon' });
  tidings.clock.now += 1;
  await post(user, { type: 'began', n: 1, at: 30 });
  tidings.clock.now += 1;
  await post(user, { type: 'began', n: 1, at: 30 });
  const path = `/api/v1/users/${encodeURIComponent(user)}/preferences`;
  const quiet = { quiet_hours: { start: '14:00', end: '20:00' }, types: { QUIET: { enabled: false } } };
  tidings.clock.now += 1;
  expect((await server.send('PATCH', path, quiet)).status).toBe(200);
  const asked = {
    type: 'NEWS',
    recipients: [{ user_id: user }],
    channels: ['email'],
    scheduled_at: '2026-03-03T12:00:00Z',
    content: { title: 'News', text: 'Later' },
  };
  expect((await server.post('/api/v1/notifications', asked)).status).toBe(202);
  const tables = ['events', 'waits', 'deliveries', 'notifications', 'limit_uses', 'users', 'outbox_events'];
  const counts = async () => Promise.all(tables.map(async (name) => (await pool.query(`table ${name}`)).rows));
  const before = await counts();
  const { entries } = await forecastOf(user, 2);
  expect(await counts()).toEqual(before);
  const of = (type: string) =>
    entries.filter((entry: { notification_type: string }) => entry.notification_type === type);
  expect(of('QUIET')).toMatchObject([
    {
      outcome: 'held_back',
      reason_code: 'all_channels_dropped',
      source: 'wait',
      channels: [{ code: 'preference_off' }],
    },
  ]);
  expect(of('LATER')).toMatchObject([
    {
      at: '2026-03-02T15:00:00.001Z',
      local: '2026-03-02T15:00',
      certainty: 'if_nothing_else_happens',
      why: expect.stringMatching(/^LATER waits since began of 2 March 2026 at 10:00/),
      channels: [
        { channel: 'email', state: 'waits', code: 'quiet_hours', local: '2026-03-02T20:00' },
        { channel: 'in_app', state: 'goes', code: null, local: '2026-03-02T15:00' },
      ],
    },
    { outcome: 'held_back', reason_code: 'limit_reached', reason: expect.stringContaining('1 of 1 per day') },
  ]);
  expect(of('NEWS')).toMatchObject([
    { source: 'delivery', certainty: 'scheduled', rule: 'NEWS' },
    { source: 'request', certainty: 'scheduled', rule: null, at: '2026-03-03T12:00:00.000Z' },
  ]);
  expect(of('IN_TURN')[0].channels).toMatchObject([{ state: 'goes' }, { state: 'fallback' }]);
  const printed = await runLikeProcess(['users', 'forecast', user, '--days', '2'], { TIDINGS_URL: server.url });
  expect(printed.code).toBe(0);
  expect(printed.stdout).toMatch(
    /2026-03-02 15:00 {2}LATER {2}if nothing else happens {2}email \(waits\), in_app\n {2}LATER waits/,
  );
}, 60_000);

test('of a user with 10,000 waits is complete up to where it ends; an unknown user has no forecast', async () => {
  const user = newUser();
  await post(user, { type: 'began', n: 3, at: 30 });
  const { pool } = tidings.database;
  await pool.query(
    `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, state)
     select tenant_id, user_id, gen_random_uuid(), rule, key, kind, catalog_version, status, trigger_time,
            due_at + n * interval '1 minute', began_at, state
     from waits cross join generate_series(1, 10000) as n where user_id = $1 and rule = 'UNLESS'`,
    [user],
  );
  const body = await forecastOf(user, 31);
  expect(body.reached).toBe('entries');
  expect(body.entries.length).toBeGreaterThan(400);
  expect(body.entries.length).toBeLessThanOrEqual(500);
  expect(body.entries.every(({ at }: { at: string }) => at <= body.known_until)).toBe(true);
  const unknown = await server.get('/api/v1/users/unknown-user/forecast');
  expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found']);
  expect((await server.get(`/api/v1/users/${encodeURIComponent(user)}/forecast?days=32`)).status).toBe(400);
}, 60_000);
