import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseCases } from '../src/simulate/cases/parse-cases.ts';
import { compileCaseRules, runCase } from '../src/simulate/cases/run-case.ts';
import { parseCatalog } from './support/catalog.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Consent is for one address. The two addresses of these tests have one mask. */

const [ANN, ABE] = ['ann@example.com', 'abe@example.com'];
const FILES = new Map([
  ['events.yaml', 'events: { news: {} }'],
  [
    'notifications.yaml',
    'notifications: { NEWS: { category: MARKETING, channels: [email], variables: { postal_address: { default: 1 Main Street } } } }',
  ],
  ['rules.yaml', 'rules: { NEWS: { on: news } }'],
  ['preferences.yaml', 'consent: { MARKETING: record }'],
  ['templates/NEWS/email.en.subject.txt', 'News'],
  ['templates/NEWS/email.en.txt', 'News'],
]);

let tidings: TestTidings;
let server: TestServer;
beforeEach(async () => {
  tidings = await testTidings({}, FILES);
  server = await testServer(tidings);
});
afterEach(async () => {
  await server.close();
  await tidings.close();
});

/** Posts an event with an address; returns whether its message goes. */
async function post(email?: string, late = 0): Promise<string | undefined> {
  tidings.clock.now += 1000;
  const [result] = await tidings.ingest([
    {
      user_id: 'u1',
      event_type: 'news',
      event_timestamp: new Date(tidings.clock.now - late).toISOString(),
      ...(email !== undefined && { user_traits: { email } }),
    },
  ]);
  const [decision] = result?.decisions ?? [];
  return decision?.evidence.plan?.[0]?.code ?? decision?.outcome;
}

async function consent(body: object = {}): Promise<void> {
  tidings.clock.now += 1000;
  const said = { purpose: 'MARKETING', channel: 'email', state: 'granted', source: 'form', ...body };
  expect((await server.post('/api/v1/users/u1/consents', said)).status).toBe(201);
}

async function isOn(): Promise<boolean> {
  const { body } = await server.get('/api/v1/users/u1/preferences');
  return body.types[0].channels.email.on;
}

async function expectReproduced(from: number): Promise<void> {
  for (let since = from; since <= tidings.clock.now; since += 1000) {
    const { reproduced } = await tidings.backtest(since);
    expect(reproduced?.examples).toEqual([]);
  }
}

test('consent for one address does not count for another with the same mask, in the decision and in a backtest', async () => {
  const from = tidings.clock.now;
  expect(await post(ANN)).toBe('consent_missing');
  await consent();
  expect(await isOn()).toBe(true);
  expect(await post(ANN)).toBe('send');
  expect(await post(ABE)).toBe('consent_missing');
  expect(await isOn()).toBe(false);
  expect(await post()).toBe('consent_missing');
  expect(await post(ANN, 5000)).toBe('consent_missing');
  expect(await post(ANN)).toBe('send');
  await consent({ address: ABE });
  expect(await post(ANN)).toBe('consent_missing');
  expect(await post(ABE)).toBe('send');
  await expectReproduced(from);
});

test('only events that change an address are stored with it, sealed', async () => {
  for (const email of [ANN, ANN, ABE, ABE]) await post(email);
  const { rows } = await tidings.database.pool.query(
    'select traits, sealed is not null as is_sealed from events order by received_at',
  );
  expect(rows.map(({ is_sealed }) => is_sealed)).toEqual([true, false, true, false]);
  expect(JSON.stringify(rows)).not.toContain('ann@');
});

test('what was stored before the policy asked for consent is compared with the address that the user has now', async () => {
  await tidings.apply(new Map([...FILES].filter(([path]) => path !== 'preferences.yaml')));
  const from = tidings.clock.now;
  expect(await post(ANN)).toBe('send');
  await tidings.apply(FILES);
  expect(await post(ANN)).toBe('consent_missing');
  await consent({ address: ABE });
  expect(await post(ANN)).toBe('consent_missing');
  await consent();
  expect(await post(ANN)).toBe('send');
  await expectReproduced(from);
});

test('consent for an address that a request put first holds while the traits stay as they are', async () => {
  const from = tidings.clock.now;
  await post(ANN);
  tidings.clock.now += 1000;
  const added = { kind: 'email', address: 'other@example.org', primary: true };
  expect((await server.post('/api/v1/users/u1/addresses', added)).status).toBe(201);
  await consent();
  expect(await post(ANN)).toBe('send');
  expect(await isOn()).toBe(true);
  await expectReproduced(from);
});

test('a case may name the address of a consent', async () => {
  const data = await parseCatalog(FILES);
  const at = (minute: number) => `at: 2026-03-01T09:0${minute}Z`;
  const given = 'purpose: MARKETING, channel: email, state: granted';
  const text = `cases:
  - name: it
    profile: { email: ${ANN} }
    events:
      - { ${at(0)}, consent.recorded: { ${given}, address: ${ANN} } }
      - { ${at(1)}, news: {} }
      - { ${at(2)}, news: {}, traits: { email: ${ABE} } }
      - { ${at(3)}, consent.recorded: { ${given} } }
      - { ${at(4)}, news: {} }
    expect:
      - { ${at(1)}, NEWS: send }
      - { ${at(2)}, NEWS: suppressed }
      - { ${at(4)}, NEWS: send }`;
  const [one] = parseCases('cases.yaml', text, data);
  expect(runCase(compileCaseRules(data), one!, () => 0).failures).toEqual([]);
});

test('a grant for what is no address is rejected, since it could never count; a withdrawal counts whatever it names', async () => {
  await post(ANN);
  const said = { purpose: 'MARKETING', channel: 'email', state: 'granted', source: 'form', address: 'ann at example' };
  expect((await server.post('/api/v1/users/u1/consents', said)).body).toMatchObject({
    status: 400,
    code: 'invalid_request',
    errors: [{ pointer: '/address', message: expect.stringContaining('is no email address') }],
  });
  await consent({ state: 'withdrawn', address: 'ann at example' });
  expect(await post(ANN)).toBe('consent_withdrawn');
});
