import { expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { createKey } from './support/api-keys.ts';
import { foldAll } from './support/metrics.ts';
import { useTenants } from './support/tenants.ts';

const api = useTenants();
const send = api.send;

test('a tenant is created with the catalog of another one, and shown', async () => {
  const settings = {
    locale: 'de',
    zone: 'Europe/Berlin',
    mail_from: 'Acme <hi@acme.example>',
    branding: { color: '#04f' },
  };
  const created = await send('POST', '/api/v1/tenants', { tenant_id: 'acme', name: 'Acme', settings });
  expect(created.status).toBe(201);
  expect(created.body).toMatchObject({
    tenant_id: 'acme',
    name: 'Acme',
    status: 'active',
    follows: 'default',
    settings,
  });
  expect(created.headers.get('etag')).toBe('"1"');
  expect((await send('GET', '/api/v1/tenants/acme')).body).toEqual(created.body);
  expect((await send('GET', '/api/v1/tenant', undefined, 'acme')).body).toEqual(created.body);
  expect((await send('GET', '/api/v1/catalog', undefined, 'acme')).body.notifications).toMatchObject([
    { name: 'MAIL' },
  ]);
});

test('tenants are listed with what they used in the last days, if that is asked for', async () => {
  await api.create('busy');
  const day = Math.floor(api.tidings.clock.now / 86_400_000) * 1440;
  const items = [0, 1, 40].map((days) => ({ minute: day - days * 1440, event: 'came', events: 5 }));
  const sent = {
    minute: day,
    type: 'MAIL',
    channel: 'email',
    provider: 'smtp',
    sent: 3,
    attempts: 3,
    class: 0,
    latency_ms: 9,
  };
  await api.rows('insert into metric_deltas (tenant_id, items) values ($1, $2)', [
    'busy',
    JSON.stringify([...items, sent]),
  ]);
  await foldAll(api.tidings.pool, api.tidings.clock.now);
  const list = async (query: string) =>
    (await send('GET', `/api/v1/tenants${query}`)).body.tenants.find(
      (one: { tenant_id: string }) => one.tenant_id === 'busy',
    );
  expect((await list('')).usage).toBeNull();
  expect((await list('?usage_days=1')).usage).toMatchObject({ events: 5, decided: 0, sent: 3 });
  expect((await list('?usage_days=30')).usage).toMatchObject({ events: 10, sent: 3 });
  expectProblem(await send('GET', '/api/v1/tenants?usage_days=0'), {
    status: 400,
    code: 'invalid_request',
    pointer: 'usage_days',
  });
});

test('an id that exists is a conflict, also with another name', async () => {
  await api.create('twice');
  const again = await send('POST', '/api/v1/tenants', { tenant_id: 'twice', name: 'Other' });
  expectProblem(again, { status: 409, code: 'tenant_exists', pointer: '/tenant_id' });
});

test.each(['Acme', 'a.test', '', '-a', 'a'.repeat(64), 'a b', 'ä'])('%j is no id of a tenant', async (id) => {
  const answer = await send('POST', '/api/v1/tenants', { tenant_id: id });
  expectProblem(answer, { status: 400, code: 'invalid_request', pointer: '/tenant_id' });
});

test.each([
  [{ locale: 'not a locale' }, '/settings/locale'],
  [{ zone: 'Europe/Nowhere' }, '/settings/zone'],
  [{ mail_from: 'Acme' }, '/settings/mail_from'],
  [{ mail_from: 'a@b.example, c@d.example' }, '/settings/mail_from'],
  [{ mail_from: 'Acme <hi@acme..example>' }, '/settings/mail_from'],
  [{ mail_from: 'Acme <a@b.example>\r\nBcc: x@y.example' }, '/settings/mail_from'],
  [{ branding: { text: 'x'.repeat(20_000) } }, '/settings/branding'],
])('a setting that cannot be used is rejected: %j', async (settings, pointer) => {
  const answer = await send('POST', '/api/v1/tenants', { tenant_id: 'wrong', settings });
  expectProblem(answer, { status: 400, code: 'invalid_request', pointer });
});

test('a misspelled setting is rejected with the nearest name', async () => {
  const answer = await send('POST', '/api/v1/tenants', { tenant_id: 'wrong', settings: { local: 'de' } });
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  expect(answer.body.detail).toContain('locale');
});

test('a change keeps what it does not name, null removes a setting, and both states are in the audit log', async () => {
  await api.create('changing', { name: 'Before', settings: { locale: 'de', zone: 'UTC' } });
  const changed = await send('PATCH', '/api/v1/tenants/changing', { settings: { zone: null, locale: 'fr' } });
  expect(changed.body).toMatchObject({ name: 'Before', settings: { locale: 'fr' }, revision: 2 });
  expect(changed.body.settings).not.toHaveProperty('zone');
  for (const tenant of ['changing', 'default']) {
    const { body } = await send('GET', '/api/v1/audit-log?action=tenant.changed&subject=changing', undefined, tenant);
    expect(body.entries[0]).toMatchObject({
      before: { settings: { zone: 'UTC' } },
      after: { settings: { locale: 'fr' } },
    });
  }
});

test('of two editors of the settings, the second learns that the first was quicker', async () => {
  await api.create('edited');
  const change = (name: string, etag: string) =>
    api.server.send('PATCH', '/api/v1/tenant', { name }, api.headersOf('edited', { 'if-match': etag }));
  const first = await change('One', '"1"');
  expect([first.status, first.headers.get('etag')]).toEqual([200, '"2"']);
  expectProblem(await change('Two', '"1"'), { status: 412, code: 'outdated', pointer: 'if-match' });
});

test('tenants are listed in pages by their id, without the worlds of test keys', async () => {
  await send('POST', '/api/v1/keys', { name: 'test', scopes: ['users:read'], environment: 'test' });
  const ids: string[] = [];
  for (let after = ''; ; ) {
    const { body } = await send('GET', `/api/v1/tenants?limit=2${after && `&after=${after}`}`);
    ids.push(...body.tenants.map(({ tenant_id }: { tenant_id: string }) => tenant_id));
    if (body.next === null) break;
    after = body.next;
  }
  expect(ids).toEqual([...ids].sort());
  expect(ids).toContain('default');
  expect(ids.filter((id) => id.includes('.'))).toEqual([]);
});

test('an unknown tenant, and one of test keys, is not found', async () => {
  for (const id of ['unknown', 'default.test', 'x%2Fy']) {
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/suspend'],
      ['POST', '/move'],
      ['POST', '/resume'],
    ]) {
      const body = method === 'PATCH' ? { name: 'x' } : undefined;
      const answer = await send(method as string, `/api/v1/tenants/${id}${path}`, body);
      expectProblem(answer, { status: 404, code: 'not_found' });
    }
  }
});

test('no caller locks itself out: the tenant that it acts for is neither suspended nor deleted', async () => {
  for (const [method, path] of [
    ['POST', '/suspend'],
    ['POST', '/move'],
    ['DELETE', ''],
  ]) {
    const answer = await send(method as string, `/api/v1/tenants/default${path}`);
    expectProblem(answer, { status: 409, code: 'tenant_in_use' });
  }
});

test('a test key shows the settings of its live tenant, and cannot change them', async () => {
  await api.create('live', { settings: { locale: 'de' } });
  const { key } = await createKey(
    api.server,
    { environment: 'test', scopes: ['settings:read', 'settings:write'] },
    { tenant: 'live' },
  );
  const asTest = { authorization: `Bearer ${key}` };
  expect((await api.server.get('/api/v1/tenant', asTest)).body).toMatchObject({
    tenant_id: 'live',
    settings: { locale: 'de' },
  });
  expectProblem(await api.server.send('PATCH', '/api/v1/tenant', { name: 'x' }, asTest), {
    status: 403,
    code: 'forbidden',
  });
});
