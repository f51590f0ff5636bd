import { expect, test } from 'vitest';
import { useReceipts } from './support/receipts.ts';

/** The API of suppressions: list, search, add and lift, with scopes and an audit log. */

const start = useReceipts();
const PATH = '/api/v1/suppressions';

test('an address that is added gets no messages of the scope, until the suppression is lifted', async () => {
  const { server, send, tidings } = await start();
  const added = await server.post(PATH, {
    channel: 'email',
    address: 'u1@example.com',
    scope: 'category:MARKETING',
    note: 'asked on the phone',
  });
  expect(added).toMatchObject({
    status: 201,
    body: { reason: 'manual', scope: 'category:MARKETING', evidence: { note: 'asked on the phone' } },
  });
  expect(JSON.stringify(added.body)).not.toContain('u1@example.com');
  await send('promo', 'dropped');
  await send('mail');
  const id = added.body.suppression_id;
  expect((await server.post(`${PATH}/${id}/lift`, {})).status).toBe(200);
  expect((await server.post(`${PATH}/${id}/lift`)).status).toBe(404);
  await send('promo');
  const { rows } = await tidings.database.pool.query(
    `select action from audit_log where action like 'suppression.%' order by entry_id`,
  );
  expect(rows.map(({ action }) => action)).toEqual(['suppression.added', 'suppression.removed']);
});

test('a scope of one type stops that type only', async () => {
  const { server, send } = await start();
  await server.post(PATH, { channel: 'email', address: 'u1@example.com', scope: 'type:PROMO' });
  await send('promo', 'dropped');
  await send('news');
});

test('adding what is there answers with it, and changes nothing', async () => {
  const { server } = await start();
  const first = await server.post(PATH, { channel: 'sms', address: '+15550100' });
  const second = await server.post(PATH, { channel: 'sms', address: '+15550100' });
  expect([first.status, second.status]).toEqual([201, 200]);
  expect(second.body).toEqual(first.body);
});

test('the suppressions of a user are those of the addresses that they have now', async () => {
  const { server, send } = await start();
  await send('mail');
  await send('mail', 'sent', 'u2');
  for (const address of ['u1@example.com', 'u2@example.com', 'third@example.com'])
    await server.post(PATH, { channel: 'email', address });
  await server.post(PATH, { channel: 'sms', address: '+15550100', scope: 'type:TEXT' });
  const of = async (query: string) =>
    (await server.get(`${PATH}?${query}`)).body.suppressions.map((one: { channel: string; scope: string }) => [
      one.channel,
      one.scope,
    ]);
  expect(await of('user_id=u1')).toEqual([
    ['sms', 'type:TEXT'],
    ['email', 'all'],
  ]);
  expect(await of('user_id=u1&channel=email')).toEqual([['email', 'all']]);
  expect(await of('user_id=unknown')).toEqual([]);
  const first = await server.get(`${PATH}?user_id=u1&limit=1`);
  const rest = await server.get(`${PATH}?user_id=u1&limit=1&after=${first.body.next}`);
  expect(rest.body).toMatchObject({ suppressions: [{ channel: 'email' }] });
});

test('an address is searched in the body, and suppressions are listed in pages', async () => {
  const { server } = await start();
  for (const scope of ['all', 'type:PROMO', 'category:MARKETING'])
    await server.post(PATH, { channel: 'email', address: 'u1@example.com', scope });
  const found = await server.post(`${PATH}/search`, { channel: 'email', address: 'u1@example.com' });
  expect(found.body.suppressions.length).toBe(3);
  const none = await server.post(`${PATH}/search`, { channel: 'email', address: 'u2@example.com' });
  expect(none.body.suppressions).toEqual([]);
  const page = await server.get(`${PATH}?limit=2`);
  expect(page.body.suppressions.length).toBe(2);
  const rest = await server.get(`${PATH}?limit=2&after=${page.body.next}`);
  expect(rest.body).toMatchObject({ suppressions: [{ scope: 'all' }], next: null });
  expect((await server.get(`${PATH}?channel=sms`)).body.suppressions).toEqual([]);
});

test.each([
  [{ channel: 'push', address: 'u1@example.com' }, '/channel'],
  [{ channel: 'email', address: '' }, '/address'],
  [{ channel: 'email', address: 'u1@example.com', scope: 'marketing' }, '/scope'],
  [{ channel: 'email', address: 'u1@example.com', scope: 'category:OTHER' }, '/scope'],
  [{ channel: 'email', address: 'u1@example.com', until: '2020-01-01T00:00:00Z' }, '/until'],
])('%j is rejected at %s', async (body, pointer) => {
  const { server } = await start();
  const answer = await server.post(PATH, body);
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ pointer }] } });
});

test('what is no id of a suppression is not found', async () => {
  const { server } = await start();
  expect((await server.get(`${PATH}/nothing`)).status).toBe(404);
  expect((await server.post(`${PATH}/nothing/lift`)).status).toBe(404);
});

test('all of a filter are exported as lines, a page after the other, with masked addresses', async () => {
  const { server } = await start();
  const list = Array.from({ length: 700 }, (_, n) => ({
    channel: 'email',
    address: `export${n}@example.com`,
    reason: n % 2 === 0 ? 'hard_bounce' : 'complaint',
  }));
  expect((await server.post(`${PATH}/import`, { suppressions: list })).status).toBe(200);
  const response = await fetch(`${server.url}${PATH}/export?reason=hard_bounce`);
  expect(response.headers.get('content-type')).toContain('application/x-ndjson');
  const lines = (await response.text()).trim().split('\n');
  const found = lines.map((line) => JSON.parse(line));
  expect(new Set(found.map(({ suppression_id: id }) => id)).size).toBe(350);
  expect(new Set(found.map(({ reason, address }) => `${reason} ${address}`))).toEqual(
    new Set(['hard_bounce e…@example.com']),
  );
  const all = await (await fetch(`${server.url}${PATH}/export`)).text();
  expect(all.trim().split('\n')).toHaveLength(700);
});
