import type pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { sandboxProvider } from '../../src/channels/sandbox.ts';
import { TenantKeeper } from '../../src/timers/tenant-keeper.ts';
import { bearer, ROOT_KEY } from './api-keys.ts';
import { type Answer, type TestServer, testServer } from './http.ts';
import { silent, type TestTidings, testTidings } from './tidings.ts';

/** The API with a key of the installation, for tests of several tenants. */
export interface TenantApi {
  tidings: TestTidings;
  server: TestServer;
  /** Sends a request for a tenant; without one, for `default`. */
  send(method: string, path: string, body?: unknown, tenant?: string): Promise<Answer>;
  /** Headers of a request for a tenant. */
  headersOf(tenant: string, others?: Record<string, string>): Record<string, string>;
  /** Creates a tenant. */
  create(tenantId: string, more?: object): Promise<void>;
  /** Posts events of these users, each of which is a `came` that sends the email MAIL. */
  post(tenant: string, users: readonly string[]): Promise<void>;
  /** Lets a keeper work until nothing is left to do now. */
  keep(pool?: pg.Pool): Promise<void>;
  /** Returns the rows of a query. */
  // biome-ignore lint/suspicious/noExplicitAny: the rows of any query; tests look into them
  rows(query: string, values?: readonly unknown[]): Promise<any[]>;
}

const FILES = new Map([
  ['events.yaml', 'events: { came: {} }\ntraits: { email: string }\n'],
  ['notifications.yaml', 'notifications: { MAIL: { category: TRANSACTIONAL, channels: [email] } }\n'],
  ['rules.yaml', 'rules: { MAIL: { on: came } }\n'],
  ['templates/MAIL/email.en.subject.txt', 'Hello from {{tenant.name}}'],
  ['templates/MAIL/email.en.html', '<p>{{tenant.branding.slogan}}</p>'],
]);

/** Prepares the tests of a file: call it once, at its top. */
export function useTenants(files: ReadonlyMap<string, string> = FILES): TenantApi {
  const api = {
    send: (method, path, body, tenant = 'default') => api.server.send(method, path, body, api.headersOf(tenant)),
    headersOf: (tenant, others = {}) => bearer(ROOT_KEY, { 'x-tidings-tenant': tenant, ...others }),
    async create(tenantId, more = {}) {
      const { status, body } = await api.send('POST', '/api/v1/tenants', { tenant_id: tenantId, ...more });
      if (status !== 201) throw new Error(JSON.stringify(body));
    },
    async post(tenant, users) {
      const events = users.map((user_id) => ({
        user_id,
        event_id: `${tenant} ${user_id}`,
        event_type: 'came',
        event_timestamp: new Date(api.tidings.clock.now).toISOString(),
        user_traits: { email: `${user_id}@example.com` },
      }));
      const { status, body } = await api.send('POST', '/api/v1/events', events, tenant);
      if (status !== 202 || body.accepted !== users.length) throw new Error(JSON.stringify(body));
    },
    async keep(pool = api.tidings.pool) {
      const keeper = new TenantKeeper({
        pool,
        clock: () => api.tidings.clock.now,
        log: silent,
        interval: 10_000,
        grace: 0,
      });
      keeper.start();
      await keeper.settled();
      await keeper.stop();
    },
    async rows(query, values = []) {
      return (await api.tidings.pool.query(query, [...values])).rows;
    },
  } as TenantApi;
  beforeAll(async () => {
    api.tidings = await testTidings({ email: sandboxProvider(['email']) }, files);
    api.server = await testServer(api.tidings, { apiKeys: [ROOT_KEY] });
  });
  afterAll(async () => {
    await api.server.close();
    await api.tidings.close();
  });
  return api;
}
