import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { DIRECT_RULE } from '../src/model/direct.ts';
import { pauseWorkers } from '../src/store/pause.ts';
import { runLikeProcess } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** The forecast of a user about what holds messages now: it says what explain says, and promises no time where someone has to act. */

const TEXTS = ['MAIL', 'LATER', 'SAFE', 'STEPS', 'DAILY', 'BRIEF'];

const FILES = new Map([
  [
    'events.yaml',
    'events: { mail: {}, later: {}, safe: {}, steps: {}, brief: {} }\ntraits: { email: string, phone: string }',
  ],
  [
    'notifications.yaml',
    `notifications:
  MAIL: { category: OPERATIONAL, channels: [email] }
  LATER: { category: OPERATIONAL, channels: [email, in_app] }
  SAFE: { category: SECURITY, channels: [email] }
  STEPS: { category: OPERATIONAL, channels: { first_of: [email, in_app], wait: 1h } }
  DAILY: { category: OPERATIONAL, channels: [email] }
  BRIEF: { category: OPERATIONAL, channels: [email], expires_after: 1h }
`,
  ],
  [
    'rules.yaml',
    `rules:
  MAIL: { on: mail }
  LATER: { on: later, delay: 5h }
  SAFE: { on: safe, delay: 5h }
  STEPS: { on: steps, delay: 5h }
  BRIEF: { on: brief }
  DAILY: { every: day 09:00, for: true }
`,
  ],
  ...TEXTS.flatMap((name): [string, string][] => [
    [`templates/${name}/email.en.subject.txt`, name],
    [`templates/${name}/email.en.txt`, name],
    [`templates/${name}/in_app.en.txt`, name],
  ]),
]);
for (const name of TEXTS) if (!/LATER|STEPS/.test(name)) FILES.delete(`templates/${name}/in_app.en.txt`);

let tidings: TestTidings;
let server: TestServer;
let users = 0;
let user = '';

beforeAll(async () => {
  tidings = await testTidings({ in_app: sandboxProvider(['in_app']), email: sandboxProvider(['email']) }, FILES);
  server = await testServer(tidings);
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});
beforeEach(async () => {
  user = `user-${++users}`;
  tidings.clock.now = Date.parse('2026-03-02T10:00:00Z');
  await tidings.database.pool.query(
    `delete from email_standings; delete from circuits; delete from metadata where name = 'paused'`,
  );
});

async function post(type: string): Promise<void> {
  tidings.clock.now += 1000;
  const [result] = await tidings.ingest([
    {
      event_id: `${user} ${type} ${tidings.clock.now}`,
      user_id: user,
      event_type: type,
      event_timestamp: new Date(tidings.clock.now).toISOString(),
      properties: {},
      user_traits: { email: `${user}@example.com` },
    },
  ]);
  expect(result?.status).toBe('accepted');
}

interface Entry {
  readonly notification_type: string;
  readonly outcome: string;
  readonly reason_code: string;
  readonly reason: string;
  readonly why: string;
  readonly certainty: string;
  readonly channels: {
    readonly channel: string;
    readonly state: string;
    readonly at: string;
    readonly reason: string;
  }[];
}

async function forecast(type: string, days = 1): Promise<Entry[]> {
  const { status, body } = await server.get(`/api/v1/users/${user}/forecast?days=${days}`);
  expect([status, body]).toMatchObject([200, {}]);
  return body.entries.filter((entry: Entry) => entry.notification_type === type);
}

/** Expects that explain has the sentence of the first channel of a forecast message, and returns it. */
async function expectExplained(type: string): Promise<string> {
  const [entry] = await forecast(type);
  const sentence = entry?.channels[0]?.reason ?? '';
  expect(sentence).not.toBe('');
  const { body } = await server.get(`/api/v1/explain/${user}/${type}`);
  expect(body.paragraph).toContain(sentence);
  return sentence;
}

const pauseEmails = (type = '') =>
  tidings.database.pool.query(
    `insert into email_standings (tenant_id, notification_type, alerted_at, paused_at, cause)
     values ('default', $1, $2, $2, '50 of 500 emails (10.00%) bounced')`,
    [type, '2026-03-02T09:00:00Z'],
  );

const holdQueued = (code: string | null, dueAt: string) =>
  tidings.database.pool.query(
    `update deliveries set hold_code = $1, due_at = $2 where user_id = $3 and status = 'queued'`,
    [code, dueAt, user],
  );

const HELD = {
  outcome: 'held_back',
  reason_code: 'sending_paused',
  channels: [{ state: 'held', code: 'sending_paused' }],
};

test('an email that is held for the pause of emails is held, whenever it is looked at next, with the sentence of explain', async () => {
  await post('mail');
  await pauseEmails();
  for (const [code, dueAt] of [
    ['sending_paused', '2026-03-02T10:12:00Z'],
    [null, '2026-03-02T10:00:00Z'],
  ] as const) {
    await holdQueued(code, dueAt);
    expect(await forecast('MAIL')).toMatchObject([
      { ...HELD, source: 'delivery', why: 'MAIL decided it; it is held.' },
    ]);
    const sentence = await expectExplained('MAIL');
    expect(sentence).toMatch(
      /pause of all emails since 2 March 2026 at 09:00 UTC .* it fails on .* if that has not happened\.$/,
    );
    expect((await forecast('MAIL'))[0]).toMatchObject({ reason: sentence });
  }
  const printed = await runLikeProcess(['users', 'forecast', user, '--days', '1'], { TIDINGS_URL: server.url });
  expect(printed.stdout).toMatch(
    / MAIL {2}held back {2}email \(held\)\n {2}MAIL decided it; it is held\.\n {2}It is held for the pause/,
  );
  await tidings.database.pool.query('delete from email_standings');
  expect(await forecast('MAIL')).toMatchObject([{ outcome: 'send', channels: [{ state: 'goes' }] }]);
});

test('an email in quiet hours meets the pause of emails after them', async () => {
  await post('mail');
  await holdQueued('quiet_hours', '2026-03-02T15:00:00Z');
  expect(await forecast('MAIL')).toMatchObject([
    { outcome: 'send', channels: [{ state: 'waits', code: 'quiet_hours' }] },
  ]);
  expect(await expectExplained('MAIL')).toBe(
    'It is held until 2 March 2026 at 15:00 UTC for quiet hours, and is to go by email then.',
  );
  await pauseEmails();
  expect(await forecast('MAIL')).toMatchObject([HELD]);
});

test('emails that are decided later say that emails are paused, but not those of SECURITY, nor other channels', async () => {
  await post('later');
  await post('safe');
  await post('steps');
  const asked = { type: 'MAIL', recipients: [{ user_id: user }], scheduled_at: '2026-03-02T20:00:00Z' };
  expect((await server.post('/api/v1/notifications', asked)).status).toBe(202);
  await pauseEmails();
  expect(await forecast('MAIL')).toMatchObject([{ ...HELD, source: 'request' }]);
  expect((await forecast('MAIL'))[0]?.reason).toMatch(
    /until someone lets these emails be sent again; it fails on 3 March/,
  );
  expect(await forecast('DAILY')).toMatchObject([{ ...HELD, source: 'schedule' }]);
  expect(await forecast('LATER')).toMatchObject([
    {
      outcome: 'send',
      reason_code: 'matched',
      channels: [{ state: 'held', code: 'sending_paused' }, { state: 'goes' }],
    },
  ]);
  expect(await forecast('STEPS')).toMatchObject([
    { outcome: 'send', certainty: 'if_nothing_else_happens', channels: [{ state: 'held' }, { state: 'fallback' }] },
  ]);
  expect(await forecast('SAFE')).toMatchObject([{ outcome: 'send', channels: [{ state: 'goes', code: null }] }]);
});

test('the pause of one type of emails concerns that type alone', async () => {
  await post('mail');
  await post('later');
  await pauseEmails('LATER');
  expect(await forecast('MAIL')).toMatchObject([{ outcome: 'send', channels: [{ state: 'goes' }] }]);
  expect(await forecast('LATER')).toMatchObject([{ channels: [{ state: 'held' }, { state: 'goes' }] }]);
});

test('nothing goes while the workers are paused after a restore', async () => {
  await post('mail');
  await post('later');
  await post('safe');
  await pauseWorkers(tidings.database.pool, { since: '2026-03-02T09:00:00Z', dumped_at: '2026-03-02T08:00:00Z' });
  const paused = { state: 'held', code: 'restore_paused' };
  for (const [type, channels] of [
    ['MAIL', [paused]],
    ['LATER', [paused, paused]],
    ['SAFE', [paused]],
    ['DAILY', [paused]],
  ] as const) {
    expect(await forecast(type)).toMatchObject([{ outcome: 'held_back', reason_code: 'restore_paused', channels }]);
  }
  expect(await expectExplained('MAIL')).toContain('until an operator resumes it: the hold has no end of its own.');
});

test('a message of a paused batch is held, queued or for later, and one of a cancelled batch does not go', async () => {
  const create = async (scheduledAt?: string) => {
    const request = { type: 'MAIL', name: 'Spring', ...(scheduledAt && { scheduled_at: scheduledAt }) };
    const { status, body } = await server.post('/api/v1/batches', request);
    expect([status, body]).toMatchObject([201, {}]);
    return body.batch_id as string;
  };
  await post('mail');
  const id = await create();
  const { pool } = tidings.database;
  await pool.query(
    `update batches set state = 'paused', reason = 'A wrong price.', started_at = now() where batch_id = $1`,
    [id],
  );
  await pool.query('update notifications set rule = $3, event_id = $1 where user_id = $2', [
    `batch:${id}:1`,
    user,
    DIRECT_RULE,
  ]);
  const { rows } = await pool.query('select rule from notifications where user_id = $1', [user]);
  expect(rows).toHaveLength(1);
  await holdQueued(null, '2026-03-02T10:00:00Z');
  const held = {
    outcome: 'held_back',
    reason_code: 'batch_paused',
    channels: [{ state: 'held', code: 'batch_paused' }],
  };
  expect(await forecast('MAIL')).toMatchObject([held]);
  expect((await forecast('MAIL'))[0]?.reason).toBe(
    `It is held for the pause of its batch Spring (${id}), because of: A wrong price, and does not go by email until the batch is resumed or cancelled: the hold has no end of its own.`,
  );
  await pool.query(`update batches set state = 'cancelled', ended_at = now() where batch_id = $1`, [id]);
  expect(await forecast('MAIL')).toMatchObject([
    { outcome: 'held_back', reason_code: 'cancelled', channels: [{ state: 'held_back' }] },
  ]);
});

test('an outage has the time of the next try, which a message may not live to see', async () => {
  await post('mail');
  await post('brief');
  const open = (until: string) =>
    tidings.database.pool.query(
      `insert into circuits (circuit_id, provider, code, cause, since, open_until, pause_ms)
       values ('/sandbox@email', 'sandbox', 'failures', 'It is down.', '2026-03-02T09:30:00Z', $1, 1000)
       on conflict (circuit_id) do update set open_until = excluded.open_until`,
      [until],
    );
  await open('2026-03-02T10:30:00Z');
  await tidings.database.pool.query(`update circuits set open_until = now() + interval '30 minutes'`);
  const found = await forecast('MAIL');
  expect(found).toMatchObject([{ outcome: 'send', channels: [{ state: 'waits', code: 'account_paused' }] }]);
  expect(await expectExplained('MAIL')).toMatch(/by which nothing is sent since .* it is tried again by email on /);
  await tidings.database.pool.query(
    `update deliveries set hold_code = 'account_paused', due_at = expires_at + interval '1 ms' where user_id = $1 and notification_type = 'BRIEF'`,
    [user],
  );
  expect(await forecast('BRIEF')).toMatchObject([
    { outcome: 'held_back', reason_code: 'account_paused', channels: [{ state: 'held_back' }] },
  ]);
});

test('what holds messages is read once for all of them', async () => {
  await pauseEmails();
  const count = async () => {
    const query = vi.spyOn(pg.Client.prototype, 'query');
    const entries = await forecast('MAIL');
    // The events that were posted are announced in the meantime.
    const queries = query.mock.calls.filter(([asked]) => !JSON.stringify(asked).includes('pg_notify')).length;
    query.mockRestore();
    return { queries, held: entries.length };
  };
  await post('mail');
  await count();
  const one = await count();
  for (let n = 0; n < 9; n++) await post('mail');
  expect([one.held, await count()]).toEqual([1, { queries: one.queries, held: 10 }]);
});
