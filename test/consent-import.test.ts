import { afterEach, beforeEach, expect, test } from 'vitest';
import { Tidings } from '../packages/client/src/tidings.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Consents that were given elsewhere arrive as lines of JSON; a grant among them turns no withdrawal into consent. */

const FILES: [string, string][] = [
  ['events.yaml', 'events: { signed_up: {} }'],
  [
    'notifications.yaml',
    'notifications: { NEWS: { category: MARKETING, channels: [email, push], variables: { postal_address: { default: 1 Main Street } } } }',
  ],
  ['rules.yaml', 'rules: { NEWS: { on: signed_up } }'],
  ['preferences.yaml', 'consent: { MARKETING: record }'],
  ['templates/NEWS/email.en.subject.txt', 'Hello'],
  ['templates/NEWS/email.en.txt', 'Hello'],
  ['templates/NEWS/push.en.txt', 'Hello'],
];

let tidings: TestTidings;
let server: TestServer;
beforeEach(async () => {
  tidings = await testTidings({}, new Map(FILES));
  server = await testServer(tidings);
  await tidings.ingest(
    ['u1', 'u2', 'no address'].map((user_id) => ({
      ...{ user_id, event_type: 'signed_up', event_timestamp: new Date(tidings.clock.now).toISOString() },
      user_traits: user_id === 'no address' ? {} : { email: `${user_id}@example.com` },
    })),
  );
  tidings.clock.now += 1000;
});
afterEach(async () => {
  await server.close();
  await tidings.close();
});

const LINE = { user_id: 'u1', purpose: 'MARKETING', channel: 'email', state: 'granted', at: '2024-05-02T10:00:00Z' };

async function importLines(lines: readonly unknown[]) {
  const response = await fetch(`${server.url}/api/v1/consents/import`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  });
  const text = (await response.text()).trim();
  const answer = text.split('\n').map((line) => JSON.parse(line));
  return { status: response.status, errors: answer.slice(0, -1), summary: answer.at(-1) };
}

const consentsOf = async (userId: string) =>
  (await server.get(`/api/v1/users/${encodeURIComponent(userId)}/consents`)).body.consents;
const mailOf = async (userId: string) => {
  const { body } = await server.get(`/api/v1/users/${encodeURIComponent(userId)}/preferences`);
  return body.types[0].channels.email;
};
const record = (state: string, at?: string) =>
  server.post('/api/v1/users/u1/consents', { ...LINE, user_id: undefined, state, source: 'form', at });

test('a line is recorded with its evidence, and counts as consent', async () => {
  expect((await mailOf('u1')).on).toBe(false);
  const evidence = { ip: '203.0.113.9' };
  const line = {
    ...LINE,
    id: 'crm-1',
    source: 'old shop',
    wording_version: '2024-03',
    method: 'double_opt_in',
    evidence,
  };
  const { status, errors, summary } = await importLines([{ ...line, address: 'u1@example.com' }]);
  expect([status, errors, summary]).toEqual([
    200,
    [],
    { lines: 1, recorded: 1, pending: 0, known: 0, rejected: 0, empty: 0 },
  ]);
  expect((await mailOf('u1')).on).toBe(true);
  expect(await consentsOf('u1')).toMatchObject([
    {
      ...{ purpose: 'MARKETING', channel: 'email', state: 'granted', source: 'import', method: 'double_opt_in' },
      ...{ wording_version: '2024-03', at: '2024-05-02T10:00:00.000Z', address: 'u…@example.com' },
      ...{ recorded_by: 'system import', evidence: { ...evidence, source: 'old shop' } },
    },
  ]);
});

test('a grant never undoes a withdrawal, whatever its time; a withdrawal counts', async () => {
  expect((await record('withdrawn', '2023-01-01T00:00:00Z')).status).toBe(201);
  expect((await importLines([LINE])).summary).toMatchObject({ recorded: 1 });
  expect(await mailOf('u1')).toMatchObject({ on: false, decided_by: { code: 'consent_withdrawn' } });
  const withdrawn = { ...LINE, user_id: 'u2', state: 'withdrawn', at: '2024-06-01T00:00:00Z' };
  const later = { ...LINE, user_id: 'u2', at: '2024-07-01T00:00:00Z' };
  expect((await importLines([withdrawn, later])).summary).toMatchObject({ recorded: 2 });
  expect(await mailOf('u2')).toMatchObject({ on: false, decided_by: { code: 'consent_withdrawn' } });
  expect((await record('granted')).status).toBe(201);
  expect((await mailOf('u1')).on).toBe(true);
});

test('lines that are sent again are known: by their id, or by what they say; also when the ids of events are gone', async () => {
  const lines = [
    { ...LINE, id: 'a' },
    { ...LINE, user_id: 'u2' },
  ];
  expect((await importLines([...lines, ...lines])).summary).toMatchObject({ lines: 4, recorded: 2, known: 2 });
  expect((await importLines(lines)).summary).toMatchObject({ recorded: 0, known: 2 });
  await tidings.database.pool.query('delete from event_ids');
  await tidings.database.pool.query(`delete from events where event_type = 'consent.recorded'`);
  expect((await importLines(lines)).summary).toMatchObject({ recorded: 0, known: 2 });
  expect(await consentsOf('u1')).toHaveLength(1);
});

test.each([
  ['no JSON', '{"user_id":', 'invalid_json'],
  ['no object', '[1]', 'invalid_line'],
  ['an unknown field', { ...LINE, prupose: 'x' }, 'invalid_line'],
  ['an unknown purpose', { ...LINE, purpose: 'NOTHING' }, 'invalid_line'],
  ['no time', { ...LINE, at: undefined }, 'invalid_line'],
  ['a time in the future', { ...LINE, at: '2999-01-01T00:00:00Z' }, 'invalid_line'],
  ['an unknown user', { ...LINE, user_id: 'unknown' }, 'unknown_user'],
  ['no address to bind to', { ...LINE, user_id: 'no address' }, 'no_address'],
  ['too much text', { ...LINE, source: 'x'.repeat(70_000) }, 'line_too_long'],
])('a line with %s is rejected alone', async (_what, line, code) => {
  const { errors, summary } = await importLines(['', line, { ...LINE, user_id: 'u2' }]);
  expect(errors).toEqual([{ line: 1, code, message: expect.any(String) }]);
  expect(summary).toEqual({ lines: 3, recorded: 1, pending: 0, known: 0, rejected: 1, empty: 1 });
});

test('what is wrong with a line is said, without its values', async () => {
  const lines = [
    { ...LINE, purpose: undefined },
    { ...LINE, purpose: 'u1@example.com' },
    { ...LINE, purpose: undefined, purpos: 'MARKETING' },
    { ...LINE, user_id: 7 },
    { ...LINE, address: 'u1 at example' },
  ];
  expect((await importLines(lines)).errors.map(({ message }) => message)).toEqual([
    'purpose is missing',
    'purpose is not one of TRANSACTIONAL, MARKETING, SYSTEM, SECURITY, OPERATIONAL',
    'has a field that is not known; did you mean purpose?',
    'user_id is no string',
    'address is no email address; write one such as maria@example.com, without a name.',
  ]);
});

test('a request with too many lines says so, and keeps the first', async () => {
  const lines = Array.from({ length: 10_001 }, (_, n) => (n < 3 ? { ...LINE, id: `n${n}` } : ''));
  const { status, summary } = await importLines(lines);
  expect([status, summary.code]).toEqual([413, 'payload_too_large']);
  expect((await importLines(lines.slice(0, 3))).summary).toMatchObject({ known: 3 });
});

test('the client imports in parts', async () => {
  const client = new Tidings({ baseUrl: server.url });
  const lines = Array.from({ length: 2100 }, (_, n) => ({
    ...LINE,
    id: `c${n}`,
    user_id: n === 2050 ? 'unknown' : 'u1',
  }));
  const result = await client.consents.import(lines as Parameters<typeof client.consents.import>[0]);
  expect(result).toMatchObject({
    recorded: 2099,
    known: 0,
    rejected: 1,
    errors: [{ line: 2050, code: 'unknown_user' }],
  });
  const again = await client.consents.import(lines as Parameters<typeof client.consents.import>[0]);
  expect(again).toMatchObject({ recorded: 0, known: 2099, rejected: 1 });
});

test('an import that breaks off leaves an audit entry of what it has recorded', async () => {
  const line = (n: number) => `${JSON.stringify({ ...LINE, id: `crm-${n}` })}\n`;
  let breakOff = (_reason: Error) => {};
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from(Array.from({ length: 600 }, (_, n) => line(n)).join('')));
      breakOff = (reason) => controller.error(reason);
    },
  });
  const headers = { 'content-type': 'application/x-ndjson' };
  const broken = fetch(`${server.url}/api/v1/consents/import`, {
    method: 'POST',
    headers,
    body,
    duplex: 'half',
  } as never);
  const count = async (text: string) => (await tidings.database.pool.query(text)).rowCount;
  await expect.poll(() => count('select from consents'), { timeout: 20_000 }).toBe(500);
  breakOff(new Error('the connection is lost'));
  await expect(broken).rejects.toThrow();
  const entries = async () => (await server.get('/api/v1/audit-log?action=consents.imported')).body.entries;
  await expect.poll(entries, { timeout: 20_000 }).toMatchObject([{ detail: { recorded: 500 } }]);
});
