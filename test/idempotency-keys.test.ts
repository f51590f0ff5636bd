import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings);
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

const event = (id: string) => ({
  user_id: 'u1',
  event_id: id,
  event_type: 'signup_completed',
  event_timestamp: '2025-10-31T19:00:00Z',
});
const post = (body: unknown, key: string, path = '/api/v1/events') =>
  server.post(path, body, { 'idempotency-key': key });
const sql = (text: string, values: unknown[] = []) => tidings.database.pool.query(text, values);

test('a repeated request gets the first response, byte for byte, and does nothing', async () => {
  const first = await post(event('e1'), 'first');
  expect(first).toMatchObject({ status: 202, body: { accepted: 1, duplicates: 0 } });
  expect(first.headers.get('idempotency-replayed')).toBeNull();
  const second = await post(event('e1'), 'first');
  expect(second).toMatchObject({ status: 202, body: first.body });
  expect(second.headers.get('idempotency-replayed')).toBe('true');
  expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'));
});

test('the same key with another body, path or query is rejected, and nothing is done', async () => {
  await post(event('e2'), 'reused');
  const other = await post(event('e3'), 'reused');
  expectProblem(other, { status: 422, code: 'idempotency_key_reused', pointer: 'idempotency-key' });
  expect((await sql(`select from events where event_id = 'e3'`)).rowCount).toBe(0);
});

test('the same key on another route is another key', async () => {
  await post(event('e4'), 'both');
  const filter = { action: 'deliveries.retry', filter: {} };
  expect(await post(filter, 'both', '/api/v1/jobs/preview')).toMatchObject({ status: 200, body: { count: 0 } });
});

test('of many requests at once one does the work, and the others wait for its response', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => post(event('e5'), 'together')));
  const worked = all.filter(({ status, headers }) => status === 202 && !headers.has('idempotency-replayed'));
  expect(worked).toHaveLength(1);
  for (const answer of all.filter(({ status }) => status !== 202)) {
    expectProblem(answer, { status: 409, code: 'idempotency_in_progress', pointer: 'idempotency-key' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  }
  expect(await post(event('e5'), 'together')).toMatchObject({ status: 202, body: worked[0]?.body });
});

test('an error that the caller made is kept, one of validation is not', async () => {
  const unknown = { patch: {} };
  const path = '/api/v1/events/rejected/00000000-0000-4000-8000-000000000000/correct';
  expect((await post(unknown, 'missing', path)).status).toBe(404);
  expect((await post(unknown, 'missing', path)).headers.get('idempotency-replayed')).toBe('true');
  expectProblem(await post({ action: 'nothing' }, 'invalid', '/api/v1/jobs'), {
    status: 400,
    code: 'invalid_request',
    pointer: '/action',
  });
  expect(await post({ action: 'deliveries.retry', filter: {} }, 'invalid', '/api/v1/jobs')).toMatchObject({
    status: 202,
  });
});

test('a request that was cut off blocks its key for a minute, and the next one takes it over', async () => {
  await post(event('e6'), 'cut');
  await sql(`update idempotency_keys set status = null, sealed = null, locked_until = now() + interval '40 seconds'
             where key = 'cut'`);
  expectProblem(await post(event('e6'), 'cut'), {
    status: 409,
    code: 'idempotency_in_progress',
    pointer: 'idempotency-key',
  });
  await sql(`update idempotency_keys set locked_until = now() - interval '1 ms' where key = 'cut'`);
  expectProblem(await post(event('e7'), 'cut'), {
    status: 422,
    code: 'idempotency_key_reused',
    pointer: 'idempotency-key',
  });
  const taken = await post(event('e6'), 'cut');
  expect(taken).toMatchObject({ status: 202, body: { accepted: 0, duplicates: 1 } });
  expect(taken.headers.get('idempotency-replayed')).toBeNull();
});

test('a key is new again after 24 hours, and expired ones are removed', async () => {
  await post(event('e8'), 'old');
  await sql(`update idempotency_keys set expires_at = now() - interval '1 ms'`);
  expect(await post(event('e9'), 'old')).toMatchObject({ status: 202, body: { accepted: 1 } });
  for (let n = 0; n < 20; n++) await post(event('e9'), `new ${n}`);
  const { rows } = await sql(`select count(*)::int as n from idempotency_keys where expires_at < now()`);
  expect(rows).toEqual([{ n: 0 }]);
});

test('the kept response is sealed', async () => {
  const maria = { ...event('e10'), user_id: 'maria.lopez', user_traits: { email: 'maria@example.com' } };
  await post(maria, 'sealed');
  const { rows } = await sql(`select k::text as text, encode(sealed, 'escape') as bytes from idempotency_keys as k`);
  for (const { text, bytes } of rows) expect(`${text}${bytes}`).not.toMatch(/maria|accepted/);
});

test.each(['', 'x'.repeat(256), 'tab\there', 'ö'])('a key is 1 to 255 printable characters, not %j', async (key) => {
  const answer = await post(event('e11'), key);
  expectProblem(answer, { status: 400, code: 'invalid_request', pointer: 'idempotency-key' });
});

test('without a key nothing is written', async () => {
  await sql('delete from idempotency_keys');
  await server.post('/api/v1/events', event('e12'));
  expect((await sql('select from idempotency_keys')).rowCount).toBe(0);
});

test('a CloudEvent in binary mode whose headers differ is another request, although the body is the same', async () => {
  const send = (id: string) =>
    server.post(
      '/api/v1/events',
      { plan: 'pro' },
      {
        'idempotency-key': 'binary',
        'ce-specversion': '1.0',
        'ce-id': id,
        'ce-type': 'signup_completed',
        'ce-source': '/shop',
      },
    );
  const first = await send('ce 1');
  expectProblem(await send('ce 2'), { status: 422, code: 'idempotency_key_reused', pointer: 'idempotency-key' });
  const again = await send('ce 1');
  expect([again.body, again.headers.get('idempotency-replayed')]).toEqual([first.body, 'true']);
});

test('a body that is nested too deeply to be compared is rejected', async () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  expectProblem(await post(deep, 'deep'), { status: 400, code: 'invalid_request' });
});
