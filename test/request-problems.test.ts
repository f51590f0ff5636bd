import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectProblem, type TestApi, testApi } from './support/api.ts';

/** A request that does not fit its route is answered with the field, what was given, and what would be right. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

test.each([
  ['/api/v1/waits?status=foo', 'status', 'status is "foo"; write one of waiting, fired, cancelled.'],
  [
    '/api/v1/waits?status=canceled',
    'status',
    'status is "canceled"; did you mean cancelled? Allowed: waiting, fired, cancelled.',
  ],
  ['/api/v1/waits?status=fired&status=waiting', 'status', 'status is a list; write one of waiting, fired, cancelled.'],
  ['/api/v1/waits?limit=1.5', 'limit', 'limit is "1.5"; write a whole number from 1 to 200.'],
  ['/api/v1/waits?rule=a%00', 'rule', 'rule has a character that cannot be stored.'],
  [`/api/v1/waits?rule=${'a'.repeat(1025)}`, 'rule', 'rule is too long; write at most 1024 characters.'],
  ['/api/v1/waits?rule=a&rule=b', 'rule', 'rule is a list; write a text.'],
  ['/api/v1/waits?statsu=fired', 'statsu', '"statsu" is not a parameter of this route; did you mean status?'],
  ['/api/v1/users?prefix=a%00', 'prefix', 'prefix has a character that cannot be stored.'],
  ['/api/v1/catalog/diff', 'from', 'from is missing; write the number of a version, such as 1.'],
  ['/api/v1/catalog?version=-1', 'version', 'version is "-1"; write the number of a version, such as 1.'],
  ['/api/v1/deliveries?status=maria%40example.com', 'status', /^status is "m?…@?.*"; write one of queued, /],
])('GET %s', async (path, at, detail) => {
  const answer = await api.server.get(path);
  expectProblem(answer, { status: 400, code: 'invalid_request', pointer: at });
  if (typeof detail === 'string') expect(answer.body.detail).toBe(detail);
  else expect(answer.body.detail).toMatch(detail);
  expect(answer.body.detail).not.toContain('maria');
});

const YEARS = 'is outside the years 0001 to 9999.';

test.each([
  ['GET', '/api/v1/costs?from=0000-01-01&to=0001-01-02', undefined, 'from', `from ${YEARS}`],
  ['GET', '/api/v1/decisions?since=0000-01-01T00:00:00Z', undefined, 'since', `since ${YEARS}`],
  ['GET', '/api/v1/audit-log?since=1969-01-01T00:00:00Z', undefined, 'since', 'since is before 1970.'],
  ['POST', '/api/v1/webhooks/x/replay', { since: '0000-01-01T00:00:00Z' }, '/since', `since ${YEARS}`],
  [
    'POST',
    '/api/v1/suppressions',
    { channel: 'email', address: 'a@example.com', until: '9999-12-31T23:59:59-01:00' },
    '/until',
    `until ${YEARS}`,
  ],
  [
    'POST',
    '/api/v1/keys',
    { name: 'a', scopes: ['events:write'], expires_at: '9999-12-31T23:59:59-01:00' },
    '/expires_at',
    `expires_at ${YEARS}`,
  ],
])('%s %s: a time that no database holds is named', async (method, path, body, at, detail) => {
  const answer = await api.server.send(method, path, body);
  expectProblem(answer, { status: 400, code: 'invalid_request', pointer: at });
  expect(answer.body.detail).toBe(detail);
});

test.each([
  ['/api/v1/provider-accounts', { account: 'a', provider: 'ses', settings: 'hunter2' }, '/settings'],
  ['/api/v1/webhooks', { url: 'https://example.com', headers: 'hunter2' }, '/headers'],
  ['/api/v1/webhooks', { url: 'https://example.com', secret: ['hunter2'] }, '/secret'],
  ['/api/v1/provider-accounts', { account: 'a', provider: 'ses', settings: {}, limits: {} }, '/limits'],
])('%s: a value that may be a secret is not quoted', async (path, body, at) => {
  const answer = await api.server.post(path, body);
  expectProblem(answer, { status: 400, code: 'invalid_request', pointer: at });
  expect(JSON.stringify(answer.body)).not.toMatch(/hunter2|is not valid/);
});

test.each([
  ['/api/v1/jobs', { action: 'waits.cancel', filter: {} }, '/filter/rule', 'filter.rule is missing; write a text.'],
  ['/api/v1/jobs', { action: 'waits.cancel', filter: { rule: 3 } }, '/filter/rule', 'filter.rule is 3; write a text.'],
  [
    '/api/v1/jobs',
    { action: 'waits.migrate', filter: { rule: '' } },
    '/filter/rule',
    'filter.rule is empty; write at least 1 character.',
  ],
  ['/api/v1/catalog/rollback', [], '', 'The body is a list; write a JSON object.'],
  ['/api/v1/catalog', { files: {}, dry_run: 'yes' }, '/dry_run', 'dry_run is "yes"; write true or false.'],
  ['/api/v1/catalog', { files: { 'rules.yaml': 3 } }, '/files/rules.yaml', 'files.rules.yaml is 3; write a text.'],
  [
    '/api/v1/catalog',
    { files: { '': 'a' } },
    '/files',
    'files has a name that is empty or too long; write a name of 1 to 512 characters.',
  ],
  [
    '/api/v1/catalog/rollback',
    { version: 1.5 },
    '/version',
    'version is 1.5; write the number of a version, such as 1.',
  ],
  [
    '/api/v1/catalog/rollback',
    { version: 'one' },
    '/version',
    'version is "one"; write the number of a version, such as 1.',
  ],
])('POST %s %j', async (path, body, at, detail) => {
  const answer = await api.server.post(path, body);
  expectProblem(answer, { status: 400, code: 'invalid_request', pointer: at });
  expect(answer.body.detail).toBe(detail);
});

test('names each of several unknown parameters', async () => {
  const { status, body } = await api.server.get('/api/v1/waits?x=1&y=2');
  expect([status, body.code]).toEqual([400, 'invalid_request']);
  expect(body.errors).toEqual([
    { pointer: 'x', message: '"x" is not a parameter of this route; see /api/docs.' },
    { pointer: 'y', message: '"y" is not a parameter of this route; see /api/docs.' },
  ]);
});

test.each([
  [
    '/api/v1/users/u1/preferences',
    'PATCH',
    { quiet_hours: { start: '22:00', end: '22:00' } },
    '/quiet_hours',
    'quiet_hours: write a start and an end that differ.',
  ],
  [
    '/api/v1/users/u1/preferences',
    'PATCH',
    { channels: { emal: false } },
    '/channels/emal',
    '"emal" is not a field of channels; did you mean email?',
  ],
  [
    '/api/v1/users/u1/preferences',
    'PATCH',
    { types: { WELCOME_EMAIL: { enabeld: false } } },
    '/types/WELCOME_EMAIL/enabeld',
    '"enabeld" is not a field of types.WELCOME_EMAIL; did you mean enabled?',
  ],
  [
    '/api/v1/notifications',
    'POST',
    { type: 'WELCOME_EMAIL', recipients: [{ user_id: 'u1', email: 'a@example.com' }] },
    '/recipients/0',
    'recipients.0: write one of user_id, email and phone.',
  ],
  [
    '/api/v1/notifications',
    'POST',
    { type: 'WELCOME_EMAIL', recipients: [{ usr_id: 'u1' }] },
    '/recipients/0/usr_id',
    '"usr_id" is not a field of recipients.0; did you mean user_id?',
  ],
  [
    '/api/v1/batches',
    'POST',
    { type: 'WELCOME_EMAIL', recipients: { list: 'nope' } },
    '/recipients/list',
    'recipients.list is "nope"; write the id of a list.',
  ],
  [
    '/api/v1/batches',
    'POST',
    { type: 'WELCOME_EMAIL', recipients: { list: '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e', segment: 'LAPSED' } },
    '/recipients',
    'recipients: write list with the id of a list, or segment with a name, and nothing else.',
  ],
  ['/api/v1/segments/preview', 'POST', {}, '', 'The body: write segment, or condition, and nothing else.'],
])('%s %s: an object is answered with what its fields should be', async (path, method, body, at, detail) => {
  const answer = await api.server.send(method, path, body);
  expect(answer.body).toMatchObject({ status: 400, code: 'invalid_request', detail });
  expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toContain(at);
});

test('a body of another media type is answered with the one that the route takes', async () => {
  const { body } = await api.server.send('POST', '/api/v1/consents/import', { user_id: 'u1' });
  expect(body).toMatchObject({
    code: 'unsupported_media_type',
    detail: 'Send the body with the header content-type: application/x-ndjson.',
  });
});
