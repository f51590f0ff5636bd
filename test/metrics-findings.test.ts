import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { attributeGoals } from '../src/store/goals/attribute.ts';
import { uuidAt } from '../src/time/uuid-time.ts';
import { expectProblem } from './support/api.ts';
import { runCommand } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { foldAll } from './support/metrics.ts';
import { fakeProvider } from './support/providers.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Findings in metrics: unusual volumes, users that were held back, goals and experiments; and their export. */

const CATALOG = new Map([
  ['events.yaml', 'events: { cart: {}, offered: {}, order_placed: {} }'],
  [
    'notifications.yaml',
    `notifications:
  NUDGE: { category: OPERATIONAL, channels: [email], goal: { event: order_placed, within: 1d } }
  OFFER: { category: OPERATIONAL, channels: [email], goal: { event: order_placed, within: 2d } }
`,
  ],
  [
    'rules.yaml',
    `rules:
  NUDGE: { on: cart, limit: 1 per 1h }
  OFFER: { on: offered, split: { control: 50%, all: 50% } }
`,
  ],
  ...['NUDGE', 'OFFER'].flatMap((type): [string, string][] => [
    [`templates/${type}/email.en.subject.txt`, 'Hello'],
    [`templates/${type}/email.en.txt`, 'Hello'],
  ]),
]);
const HOUR = 3_600_000;
const WEEK = 168 * HOUR;

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings({ email: fakeProvider(() => ({ kind: 'sent' })) }, CATALOG);
  server = await testServer(tidings);
  process.env.TIDINGS_URL = server.url;
});
afterAll(async () => {
  delete process.env.TIDINGS_URL;
  await server.close();
  await tidings.close();
});

const get = async (path: string) => (await server.get(`/api/v1/metrics/${path}`)).body;
const getText = async (path: string) => {
  const response = await fetch(`${server.url}/api/v1/metrics/export?${path}`);
  return { type: response.headers.get('content-type'), text: await response.text() };
};
const event = (userId: string, type: string, at = tidings.clock.now) => ({
  user_id: userId,
  event_type: type,
  event_timestamp: new Date(at).toISOString(),
  ...(userId === 'nowhere' ? {} : { user_traits: { email: `${userId}@example.com` } }),
});

/** Attributes events, and adds what is counted. */
async function count(): Promise<void> {
  while ((await attributeGoals(tidings.pool, 'default')) > 0);
  await foldAll(tidings.pool, tidings.clock.now);
}

describe('unusual volumes', () => {
  beforeAll(async () => {
    const minute = (weeks: number) => (tidings.clock.now - weeks * WEEK - HOUR / 2) / 60_000;
    const before = [1, 2, 3, 4].flatMap((weeks) => [
      { minute: minute(weeks), event: 'signup', events: 20 + weeks },
      { minute: minute(weeks), event: 'rare', events: 2 },
      { minute: minute(weeks), type: 'NEWS', rule: 'NEWS', version: 1, decided: 30 },
      { minute: minute(weeks), type: 'STEADY', rule: 'STEADY', version: 1, decided: 100 },
    ]);
    const now = [
      { minute: minute(0) - 120, event: 'signup', events: 7 },
      { minute: minute(0), type: 'NEWS', rule: 'NEWS', version: 1, decided: 90 },
      { minute: minute(0), type: 'STEADY', rule: 'STEADY', version: 1, decided: 130 },
      { minute: minute(0), event: '=NEW()', events: 500 },
    ];
    await tidings.pool.query('insert into metric_deltas (tenant_id, items) values ($1, $2)', [
      'default',
      JSON.stringify([...before, ...now]),
    ]);
    await count();
  });

  test('a type that always has some at this hour and is missing is quiet, since its last one; three times the usual is a surge', async () => {
    const { anomalies, to } = await get('anomalies');
    expect(to).toBe('2025-11-20T12:00:00.000Z');
    expect(anomalies).toEqual([
      { kind: 'surge', of: 'notifications', name: 'NEWS', hours: 24, count: 90, usual: 30, weeks: 4, since: null },
      {
        ...{ kind: 'quiet', of: 'events', name: 'signup', hours: 1, count: 0, usual: 22.5, weeks: 4 },
        since: '2025-11-20T10:00:00.000Z',
      },
    ]);
    expect((await runCommand('metrics', 'anomalies')).text).toContain(
      'signup  no events, usually 23 in an hour, since 2025-11-20T10:00:00.000Z',
    );
  });

  test('they are problems of the present', async () => {
    const { problems } = (await server.get('/api/v1/problems')).body;
    expect(problems.map(({ code, subject }: Record<string, unknown>) => [code, subject])).toEqual([
      ['volume_surge', 'NEWS'],
      ['type_quiet', 'signup'],
    ]);
  });

  test('an answer is exported as CSV and NDJSON, with the same fields, and without formulas', async () => {
    const query = 'view=groups&by=event&from=2025-11-20T00:00:00Z';
    const csv = await getText(query);
    expect(csv.type).toBe('text/csv; charset=utf-8');
    const [names = '', ...lines] = csv.text.trimEnd().split('\r\n');
    expect(lines.map((line) => line.split(',').slice(0, 2))).toEqual([
      [`'=NEW()`, '500'],
      ['signup', '7'],
    ]);
    const { type, text } = await getText(`${query}&format=ndjson`);
    expect(type).toBe('application/x-ndjson; charset=utf-8');
    const [first] = text.split('\n').map((line) => (line === '' ? null : JSON.parse(line)));
    expect(Object.keys(first)).toEqual(names.split(','));
    expect(first).toMatchObject({ key: '=NEW()', events: 500, open_rate: null });
    expectProblem(await server.get('/api/v1/metrics/export?view=anomalies&type=NEWS'), {
      ...{ status: 400, code: 'invalid_request', pointer: 'type' },
    });
    for (const view of ['summary', 'channels', 'series', 'reasons', 'funnel', 'experiments', 'anomalies'])
      expect((await getText(`view=${view}&format=ndjson`)).type, view).toMatch(/ndjson/);
    expect((await runCommand('metrics', 'summary', '--format', 'csv')).text).toMatch(/^from,to,events,/);
  });
});

describe('users that a reason held back', () => {
  const DAY = 24 * HOUR;
  /** Each thing that was held back, as SOURCE USER CHANNEL. On more days of each source than one page looks at, none next to another. */
  const held: string[] = [];

  beforeAll(async () => {
    const { pool, clock } = tidings;
    for (let n = 0; n < 12; n++) {
      const at = clock.now - (2 * n + 1) * DAY;
      const time = new Date(at).toISOString();
      const one = { r: 'WALKED', t: 'WALKED', o: 'suppressed', c: 'holdout', s: 'It is held out.', v: {} };
      const plan = ['email', 'sms'].map((channel) => ({ channel, verdict: 'drop', code: 'holdout' }));
      const dropped = { r: 'OTHER', t: 'WALKED', o: 'send', c: 'matched', s: 'Matched.', v: { plan } };
      const decisions = JSON.stringify(n % 3 === 0 ? [one, { ...one, r: 'TWIN' }, dropped] : [one]);
      const key = uuidAt(at + n);
      await pool.query(
        `insert into events (tenant_id, user_id, event_time, key, event_type, received_at, properties, traits, catalog_version, has_held, decisions)
         values ('default', $1, $2, $3, 'walked', $2, '{}', '{}', 1, true, $4)`,
        [`u${n}`, time, key, decisions],
      );
      await pool.query(
        `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, ended_at,
                            state, decisions, has_held)
         values ('default', $1, $3, 'WALKED', '', 'delay', 1, 'cancelled', $2, $2, $2, $2, '{}', $4, true)`,
        [`u${n}`, time, key, decisions],
      );
      const channels = n % 3 === 0 ? ['email', 'sms'] : ['email'];
      for (const channel of channels) {
        await pool.query(
          `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, status, reason_code, due_at, retry_until,
                                   in_doubt_policy, created_at, finished_at)
           values ('default', $1, $2, $3, 'WALKED', 'dropped', 'holdout', $4, $4, 'hold', $4, $4)`,
          [key, channel, `u${n}`, time],
        );
        held.push(`message u${n} ${channel}`);
      }
      for (const source of ['event', 'wait']) {
        held.push(`${source} u${n} null`);
        if (n % 3 === 0) held.push(...['null', 'email', 'sms'].map((channel) => `${source} u${n} ${channel}`));
      }
      const reason = { minute: Math.floor(at / 60_000), type: 'WALKED', rule: 'WALKED', reason: 'holdout' };
      await pool.query('insert into metric_deltas (tenant_id, items) values ($1, $2)', [
        'default',
        JSON.stringify([
          { ...reason, held: 1 },
          { ...reason, channel: 'email', dropped: 1 },
        ]),
      ]);
    }
    await count();
  });

  test.each([1, 2, 7, 200])('are all listed, each decision and message once, in pages of %i', async (limit) => {
    const found: string[] = [];
    let after: string | null = null;
    do {
      const next: string = after === null ? '' : `&after=${encodeURIComponent(after)}`;
      const page = await get(`reasons/users?reason=holdout&limit=${limit}${next}`);
      found.push(...page.users.map((one: Record<string, unknown>) => `${one.source} ${one.user_id} ${one.channel}`));
      after = page.next;
    } while (after !== null);
    expect(found.sort()).toEqual(held.toSorted());
  });
});

describe('goals', () => {
  let start: number;

  beforeAll(async () => {
    // Ids of notifications have the time of this machine.
    start = Date.now();
    tidings.clock.now = start;
    await tidings.worker();
    await tidings.ingest(['buyer', 'late', 'other', 'nowhere'].map((userId) => event(userId, 'cart')));
    await vi.waitFor(async () => {
      const { rows } = await tidings.pool.query(
        `select status from deliveries where notification_type = 'NUDGE' order by status`,
      );
      expect(rows.map(({ status }) => status)).toEqual(['sent', 'sent', 'sent', 'undeliverable']);
    }, 10_000);
  });

  test('an event after a message that was sent brings it to its goal: once, within its time, and only of this user', async () => {
    await tidings.ingest([event('buyer', 'order_placed', start - 1000), event('nowhere', 'order_placed')]);
    tidings.clock.now = start + 5 * HOUR;
    await tidings.ingest([event('buyer', 'order_placed'), event('unknown user', 'order_placed')]);
    tidings.clock.now += 1000;
    await tidings.ingest([event('buyer', 'order_placed')]);
    tidings.clock.now = start + 25 * HOUR;
    await tidings.ingest([event('late', 'order_placed')]);
    await count();
    await count();
    const { stages } = await get('funnel?type=NUDGE');
    expect(stages.map(({ stage, count: n, rate }: Record<string, unknown>) => [stage, n, rate])).toEqual([
      ['decided', 4, null],
      ['planned', 4, null],
      ['sent', 3, 0.75],
      // The provider has no receipts.
      ['delivered', null, null],
      ['opened', null, null],
      ['clicked', null, null],
      ['goal', 1, 0.25],
    ]);
    const { stages: ofEmail } = await get('funnel?type=NUDGE&channel=email');
    expect(ofEmail.map(({ count: n }: { count: number | null }) => n)).toEqual([null, 4, 3, null, null, null, null]);
    expect((await get('summary?rule=NUDGE')).metrics).toMatchObject({ decided: 4, goals: 1, goal_rate: 0.25 });
    expect((await runCommand('metrics', 'funnel', '--type', 'NUDGE')).text).toContain(
      'goal  1  25.00% of 4 decided with a goal',
    );
  });

  test('users that a reason held back are listed in pages, those of decisions before those of messages', async () => {
    await tidings.ingest(['u1', 'u2', 'u3'].map((userId) => event(userId, 'cart')));
    tidings.clock.now += 1000;
    await tidings.ingest(['u1', 'u2', 'u3'].map((userId) => event(userId, 'cart')));
    tidings.clock.now += 1000;
    await count();
    const found: string[] = [];
    let after: string | null = null;
    do {
      const next: string = after === null ? '' : `&after=${encodeURIComponent(after)}`;
      const page = await get(`reasons/users?reason=limit_reached&type=NUDGE&limit=2${next}`);
      expect(page.users.length).toBeLessThanOrEqual(2);
      found.push(...page.users.map(({ user_id: id }: { user_id: string }) => id));
      after = page.next;
    } while (after !== null);
    expect(found.sort()).toEqual(['u1', 'u2', 'u3']);
    const { users } = await get('reasons/users?reason=limit_reached&limit=1');
    expect(users[0]).toMatchObject({
      ...{ source: 'event', type: 'NUDGE', rule: 'NUDGE', channel: null, notification_id: null },
      reason: expect.stringContaining('already sent'),
    });
    const [{ code }] = (await get('reasons?type=NUDGE')).reasons.filter(
      ({ undeliverable }: { undeliverable: number }) => undeliverable > 0,
    );
    const { users: unreached } = await get(`reasons/users?reason=${code}`);
    expect(unreached).toMatchObject([
      { user_id: 'nowhere', source: 'message', type: 'NUDGE', channel: 'email', rule: null },
    ]);
    expect(await get('reasons/users?reason=limit_reached&type=OFFER')).toMatchObject({ users: [], next: null });
    expect((await runCommand('metrics', 'users', 'limit_reached')).text).toMatch(/u1 {2}NUDGE {2}/);
  });

  test('variants of a rule are compared by the users who reached the goal, each counted once', async () => {
    const users = Array.from({ length: 300 }, (_, index) => `guest ${index}`);
    await tidings.ingest(users.slice(0, 20).map((userId) => event(userId, 'offered')));
    await count();
    const few = (await get('experiments')).experiments[0];
    expect(few).toMatchObject({ rule: 'OFFER', control: 'control', goal: { event: 'order_placed', within: '2d' } });
    expect(few.variants[1]).toMatchObject({ variant: 'all', verdict: 'not_enough_data' });
    tidings.clock.now += 1000;
    await tidings.ingest(users.map((userId) => event(userId, 'offered')));
    const { rows } = await tidings.pool.query(
      `select count(*)::int as n from exposures where variant = 'control' and rule = 'OFFER'`,
    );
    const { rows: treated } = await tidings.pool.query(`select user_id from exposures where variant = 'all'`);
    tidings.clock.now += HOUR;
    await tidings.ingest(treated.map(({ user_id: userId }) => event(userId, 'order_placed')));
    await count();
    const { experiments } = await get('experiments');
    expect(experiments).toMatchObject([
      {
        variants: [
          { variant: 'control', share: 50, users: rows[0].n, goals: 0, lift: null, verdict: null },
          { variant: 'all', users: 300 - rows[0].n, goals: 300 - rows[0].n, goal_rate: 1, verdict: 'better' },
        ],
      },
    ]);
    expect(experiments[0].variants[1].lift.low).toBeGreaterThan(0.9);
    expect((await get('summary?type=OFFER')).metrics).toMatchObject({
      decided: 320 - rows[0].n - few.variants[0].users,
    });
    expect((await runCommand('metrics', 'experiments')).text).toContain('better');
  });

  test('a message of a version without the goal does not reach it: no rate is above 1', async () => {
    tidings.clock.now += HOUR;
    const from = new Date(tidings.clock.now).toISOString();
    const types = CATALOG.get('notifications.yaml') ?? '';
    await tidings.apply(new Map([...CATALOG, ['notifications.yaml', types.replaceAll(/, goal: .*? \}/g, '')]]));
    const before = await tidings.ingest(['v1', 'v2'].map((userId) => event(userId, 'cart')));
    await tidings.apply(CATALOG);
    const [after] = await tidings.ingest([event('v3', 'cart')]);
    expect([...before, after].map((one) => one?.decisions.map(({ outcome }) => outcome))).toEqual(
      Array(3).fill(['send']),
    );
    await expect
      .poll(
        async () => {
          const { rows } = await tidings.pool.query(`select status from deliveries where user_id like 'v_'`);
          return rows.map(({ status }) => status);
        },
        { timeout: 10_000 },
      )
      .toEqual(['sent', 'sent', 'sent']);
    tidings.clock.now += HOUR;
    await tidings.ingest(['v1', 'v2', 'v3'].map((userId) => event(userId, 'order_placed')));
    await count();
    const { metrics } = await get(`summary?type=NUDGE&from=${from}&to=${new Date(tidings.clock.now).toISOString()}`);
    expect(metrics).toMatchObject({ decided: 3, aimed: 1, goals: 1, goal_rate: 1 });
  });
});

test('a goal that cannot be is a problem of the catalog', async () => {
  const written = (goal: string) =>
    new Map(CATALOG).set(
      'notifications.yaml',
      `notifications:\n  NUDGE: { category: OPERATIONAL, channels: [email], goal: ${goal} }\n  OFFER: { category: OPERATIONAL, channels: [email] }\n`,
    );
  await expect(tidings.apply(written('{ event: order_place, within: 1d }'))).rejects.toThrow(
    /goal|event|within|duration/i,
  );
  await expect(tidings.apply(written('{ event: order_placed, within: 1y }'))).rejects.toThrow(
    /goal|event|within|duration/i,
  );
  await expect(tidings.apply(written('{ event: order_placed, within: 91d }'))).rejects.toThrow(
    /goal|event|within|duration/i,
  );
  await expect(tidings.apply(written('{ event: order_placed }'))).rejects.toThrow(/goal|event|within|duration/i);
});
