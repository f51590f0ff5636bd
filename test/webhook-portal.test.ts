import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bearer, ROOT_KEY } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** The webhook portal: a one-time link opens a session that reaches the endpoints of webhooks of its tenant, and nothing else. */

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  const consoleDir = await mkdtemp(join(tmpdir(), 'tidings-console-'));
  await writeFile(join(consoleDir, 'index.html'), '<title>The console</title>');
  server = await testServer(tidings, { apiKeys: [ROOT_KEY], allowedOrigins: ['https://shop.example'], consoleDir });
  expect((await server.post('/api/v1/tenants', { tenant_id: 'acme' }, bearer(ROOT_KEY))).status).toBe(201);
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

/** Makes a link, and returns its secret. */
async function newLink(tenant = 'acme'): Promise<string> {
  const headers = bearer(ROOT_KEY, { 'x-tidings-tenant': tenant });
  const { status, body } = await server.post('/api/v1/webhooks/portal-links', { name: 'Ann' }, headers);
  expect([status, body.url.startsWith(`${server.url}/console/portal#`)]).toEqual([201, true]);
  return body.url.slice(body.url.indexOf('#') + 1);
}
const open = (link: string) => server.post('/api/v1/webhooks/portal-sessions', { link });

test('a link opens one session, which manages the endpoints of its tenant alone', async () => {
  const link = await newLink();
  const answers = await Promise.all([open(link), open(link), open(link)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401]);
  const { token } = answers.find(({ status }) => status === 201)!.body;
  const own = { authorization: `Bearer ${token}` };
  const created = await server.post('/api/v1/webhooks', { url: 'https://hooks.invalid/a' }, own);
  expect(created.status).toBe(201);
  expect((await server.get('/api/v1/webhooks', own)).body.webhooks).toMatchObject([{ url: 'https://hooks.invalid/a' }]);
  expect((await server.get('/api/v1/webhooks', bearer(ROOT_KEY))).body.webhooks).toEqual([]);
  expect((await server.get('/api/v1/session', own)).body).toMatchObject({
    actor: { kind: 'portal', name: 'Ann' },
    tenant_id: 'acme',
    scopes: ['webhooks:read', 'webhooks:write'],
  });
  for (const path of ['/api/v1/deliveries', '/api/v1/keys', '/api/v1/users', '/api/v1/tenants'])
    expect((await server.get(path, own)).body.code, path).toBe('forbidden');
  const others = await server.get('/api/v1/webhooks', { ...own, 'x-tidings-tenant': 'default' });
  expect(others.status).toBe(404);
  const { entries } = (await server.get('/api/v1/audit-log', bearer(ROOT_KEY, { 'x-tidings-tenant': 'acme' }))).body;
  expect(entries.slice(0, 3)).toMatchObject([
    { action: 'webhook.created', actor: 'Ann', actor_kind: 'portal' },
    { action: 'webhook_portal.opened', actor_kind: 'portal' },
    { action: 'webhook_portal.link_made', actor_kind: 'key', detail: { name: 'Ann' } },
  ]);
});

test('an address in the name of a link is masked', async () => {
  const headers = bearer(ROOT_KEY, { 'x-tidings-tenant': 'acme' });
  await server.post('/api/v1/webhooks/portal-links', { name: 'Ann, ann.silva@shop.example' }, headers);
  const { entries } = (await server.get('/api/v1/audit-log', headers)).body;
  expect(entries[0].detail.name).toMatch(/^Ann, a…@/);
});

test('a session makes no link of its own, and reaches no sink', async () => {
  const { token } = (await open(await newLink())).body;
  const own = { authorization: `Bearer ${token}` };
  expect((await server.post('/api/v1/webhooks/portal-links', {}, own)).body.code).toBe('forbidden');
  for (const path of ['/api/v1/sinks', '/api/v1/sinks/orders/parked'])
    expect((await server.get(path, own)).body.code, path).toBe('forbidden');
  for (const path of ['pause', 'resume', 'parked/retry', 'parked/discard'])
    expect((await server.post(`/api/v1/sinks/orders/${path}`, {}, own)).body.code, path).toBe('forbidden');
});

test('a session ends after 30 minutes without use, and with its tenant', async () => {
  const { token } = (await open(await newLink())).body;
  const list = () => server.get('/api/v1/webhooks', { authorization: `Bearer ${token}` });
  tidings.clock.now += 29 * 60_000;
  expect((await list()).status).toBe(200);
  await server.post('/api/v1/tenants/acme/suspend', {}, bearer(ROOT_KEY));
  expect((await list()).body.code).toBe('tenant_suspended');
  await server.post('/api/v1/tenants/acme/resume', {}, bearer(ROOT_KEY));
  expect((await list()).status).toBe(200);
  tidings.clock.now += 31 * 60_000;
  expect((await list()).body.code).toBe('unauthorized');
});

test('a link works for 10 minutes, is no login, and needs the right to change endpoints', async () => {
  const link = await newLink();
  for (const written of [link, `webhook portal ${link}`]) {
    const login = await server.post('/api/v1/session', { link: written });
    expect([login.body.code, login.headers.get('set-cookie')], written).toEqual(['link_used', null]);
  }
  tidings.clock.now += 11 * 60_000;
  expect((await open(link)).body.code).toBe('link_used');
  expect((await open('unknown')).body.code).toBe('link_used');
  const { token } = (await open(await newLink())).body;
  expect((await server.get('/api/v1/session', { cookie: `tidings_session=${token}` })).body.actor).toBeNull();
  expect((await server.post('/api/v1/webhooks/portal-links', {})).status).toBe(401);
});

test('its page may be shown in a frame by pages of the allowed origins; no other page may', async () => {
  const portal = await fetch(`${server.url}/console/portal/anything`);
  expect(portal.headers.get('x-frame-options')).toBeNull();
  expect(portal.headers.get('content-security-policy')).toContain("frame-ancestors 'self' https://shop.example;");
  const other = await fetch(`${server.url}/console/webhooks`);
  expect(other.headers.get('x-frame-options')).toBe('SAMEORIGIN');
  expect(other.headers.get('content-security-policy')).toContain("frame-ancestors 'self';");
});
