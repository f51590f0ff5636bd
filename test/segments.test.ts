import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseCatalogFiles } from '../src/catalog/parse/parse-catalog-files.ts';
import { expectProblem } from './support/api.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Segments: conditions over the profile that the catalog names, in rules and over HTTP. */

const FILES: [string, string][] = [
  ['events.yaml', 'events: { signed_up: {} }\ntraits: { plan: { enum: [free, pro] }, email: string, seats: number }'],
  ['notifications.yaml', 'notifications: { TELL: { category: OPERATIONAL, channels: [internal] } }'],
  [
    'segments.yaml',
    `segments:
  PRO: { description: They pay., for: user.plan == "pro" }
  LARGE: user.plan == "pro" && user.seats > 10
  AT_EXAMPLE: user.email.endsWith("@example.com")`,
  ],
  [
    'rules.yaml',
    'rules: { WEEKLY: { every: monday 09:00, for: { segment: PRO }, notify: TELL }, TELL: { on: signed_up } }',
  ],
];
const SEGMENTS = '/api/v1/segments';

async function problemsWith(changed: { readonly [file: string]: string }) {
  const { problems, data } = await parseCatalogFiles(new Map([...FILES, ...Object.entries(changed)]));
  return { problems: problems.map(({ file, line, message, hint }) => ({ file, line, message, hint })), data };
}

describe('the checker', () => {
  test('puts the condition of a segment into the rule that names it', async () => {
    const { data, problems } = await problemsWith({});
    expect(problems).toEqual([]);
    expect(data?.rules[0]).toMatchObject({ audience: 'user.plan == "pro"', segment: 'PRO' });
    expect(data?.segments?.map(({ name }) => name)).toEqual(['PRO', 'LARGE', 'AT_EXAMPLE']);
  });

  test.each([
    ['segments: { A: user.plam == "pro" }', 'segments.yaml', /no trait is called|plam/, /did you mean (user\.)?plan/],
    ['segments: { A: event.plan == "pro" }', 'segments.yaml', /event is not known here/, undefined],
    ['segments: { A: { fro: "true" } }', 'segments.yaml', /unknown key "fro"/, /did you mean for/],
    ['segments: { "a b": "true" }', 'segments.yaml', /not a valid name/, undefined],
    ['segment: { A: "true" }', 'segments.yaml', /unknown key "segment"/, /did you mean segments/],
  ])('rejects %s', async (text, file, message, hint) => {
    const { problems } = await problemsWith({ 'segments.yaml': text, 'rules.yaml': 'rules: {}' });
    const first = problems.find((one) => message.test(one.message));
    expect(first).toMatchObject({ file, message: expect.stringMatching(message) });
    if (hint) expect(first?.hint).toMatch(hint);
  });

  test.each([
    ['{ segment: PRU }', /no segment is called "PRU"/, /did you mean PRO/],
    ['{ list: beta }', /"for" takes no list/, /use a segment/],
    ['{ segmnt: PRO }', /unknown key "segmnt"/, /did you mean segment/],
    ['{}', /"for" names no segment/, /for: \{ segment: LAPSED \}/],
  ])('rejects a rule for %s', async (audience, message, hint) => {
    const rules = `rules: { WEEKLY: { every: monday 09:00, for: ${audience}, notify: TELL } }`;
    const { problems } = await problemsWith({ 'rules.yaml': rules });
    const first = problems.find((one) => message.test(one.message));
    expect(first).toMatchObject({ file: 'rules.yaml', message: expect.stringMatching(message) });
    expect(first?.hint).toMatch(hint);
  });

  test('rejects a rule that names a segment of a catalog without segments.yaml', async () => {
    const files = new Map(FILES.filter(([file]) => file !== 'segments.yaml'));
    const { problems } = await parseCatalogFiles(files);
    expect(problems[0]).toMatchObject({ file: 'rules.yaml', message: expect.stringContaining('no segment is called') });
  });
});

describe('over HTTP', () => {
  let tidings: TestTidings;
  let server: TestServer;
  beforeEach(async () => {
    tidings = await testTidings({}, new Map(FILES));
    server = await testServer(tidings);
    const users = {
      free: { plan: 'free', seats: 99 },
      'pro small': { plan: 'pro', seats: 3, email: 'maria@example.com' },
      'pro large': { plan: 'pro', seats: 30, email: 'john@other.example' },
      silent: {},
      'addr:0123': { plan: 'pro', seats: 30 },
    };
    await tidings.ingest(
      Object.entries(users).map(([user_id, user_traits]) => ({
        ...{ user_id, user_traits, event_type: 'signed_up' },
        event_timestamp: new Date(tidings.clock.now).toISOString(),
      })),
    );
  });
  afterEach(async () => {
    await server.close();
    await tidings.close();
  });
  const usersOf = async (name: string, query = '') =>
    (await server.get(`${SEGMENTS}/${name}/users${query}`)).body.users.map((one: { user_id: string }) => one.user_id);

  test('lists the segments with the rules that name them', async () => {
    expect((await server.get(SEGMENTS)).body.segments).toMatchObject([
      { name: 'PRO', description: 'They pay.', condition: 'user.plan == "pro"', rules: ['WEEKLY'] },
      { name: 'LARGE', description: null, rules: [] },
      { name: 'AT_EXAMPLE' },
    ]);
  });

  test('lists the users of a segment with masked addresses, and no user who is known by an address alone', async () => {
    expect(await usersOf('PRO')).toEqual(['pro large', 'pro small']);
    expect(await usersOf('LARGE')).toEqual(['pro large']);
    const { body } = await server.get(`${SEGMENTS}/AT_EXAMPLE/users`);
    expect(body.users).toEqual([{ user_id: 'pro small', addresses: { email: 'm…@example.com' } }]);
    const first = (await server.get(`${SEGMENTS}/PRO/users?limit=1`)).body;
    expect(await usersOf('PRO', `?limit=1&after=${first.next}`)).toEqual(['pro small']);
    expectProblem(await server.get(`${SEGMENTS}/PRU/users`), { status: 404, code: 'not_found', pointer: 'name' });
  });

  test('counts the users of a segment, and of a condition that is no segment yet', async () => {
    expect((await server.post(`${SEGMENTS}/preview`, { segment: 'PRO' })).body).toMatchObject({
      ...{ condition: 'user.plan == "pro"', users: 4, examined: 4, count: 2, exact: true },
      sample: [{ user_id: 'pro large' }, { user_id: 'pro small' }],
    });
    const asked = { condition: 'user.seats > 50' };
    expect((await server.post(`${SEGMENTS}/preview`, asked)).body).toMatchObject({
      count: 1,
      sample: [{ user_id: 'free' }],
    });
    const wrong = await server.post(`${SEGMENTS}/preview`, { condition: 'user.plam == "pro"' });
    expect([wrong.status, wrong.body.code]).toEqual([422, 'invalid_condition']);
    expect(wrong.body.errors).toEqual([
      { pointer: '/condition', message: expect.stringContaining('plam'), hint: 'did you mean plan?' },
    ]);
  });

  test('a rule for a segment is backtested exactly, also after its users changed, and a changed segment shows who gets more or less', async () => {
    const { clock, database } = tidings;
    const since = clock.now - 60_000;
    await tidings.timers();
    const tells = async () => {
      const text = `select user_id from notifications where rule = 'WEEKLY' order by notification_id`;
      return (await database.pool.query(text)).rows.map(({ user_id }) => user_id as string).sort();
    };
    // A schedule that is made later has its first occurrence later.
    await expect.poll(async () => (await database.pool.query('select from schedules')).rowCount).toBeGreaterThan(0);
    clock.now = Date.parse('2025-11-24T09:00:30Z');
    await expect.poll(tells, { timeout: 30_000 }).toEqual(['pro large', 'pro small']);
    // A clock that stands still gives no order to two things in one instant.
    clock.now += 1000;
    const changed = { free: 'pro', 'pro small': 'free' };
    for (const [user_id, plan] of Object.entries(changed))
      expect(
        (await server.send('PATCH', `/api/v1/users/${encodeURIComponent(user_id)}`, { traits: { plan } })).status,
      ).toBe(200);
    clock.now = Date.parse('2025-12-01T09:00:30Z');
    await expect.poll(tells, { timeout: 30_000 }).toEqual(['free', 'pro large', 'pro large', 'pro small']);
    const exact = await tidings.backtest(since);
    expect(exact.reproduced).toMatchObject({ different: 0 });
    const { data } = await problemsWith({
      'segments.yaml': 'segments: { PRO: user.plan == "free", LARGE: "true", AT_EXAMPLE: "true" }',
    });
    const other = await tidings.backtest(since, data);
    expect(JSON.stringify(other)).toContain('WEEKLY');
    expect(other.reproduced).not.toEqual(exact.reproduced);
  });

  test('many users are counted by a sample, and listed page by page', async () => {
    await tidings.database.pool.query(
      `insert into users (tenant_id, user_id, traits, trait_times, address_hashes, first_seen_at, updated_at)
       select tenant_id, 'n' || n, json_build_object('plan', case when n % 4 = 0 then 'pro' else 'free' end), '{}', '{}', now(), now()
       from users cross join generate_series(1, 12000) as n where user_id = 'silent'`,
    );
    const { body } = await server.post(`${SEGMENTS}/preview`, { segment: 'PRO' });
    expect(body).toMatchObject({ users: 12_004, exact: false });
    expect(body.examined).toBeLessThanOrEqual(5000);
    expect(body.count).toBeGreaterThan(2400);
    expect(body.count).toBeLessThan(3600);
    const seen: string[] = [];
    for (let after = ''; ; ) {
      const page = (await server.get(`${SEGMENTS}/PRO/users?limit=200${after}`)).body;
      seen.push(...page.users.map((one: { user_id: string }) => one.user_id));
      if (page.next === null) break;
      after = `&after=${page.next}`;
    }
    expect(seen).toHaveLength(3002);
    expect(new Set(seen).size).toBe(3002);
  });
});
