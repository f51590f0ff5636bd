import { Sessions } from '../../src/members/sessions.ts';
import { INSTALLATION_SCOPES, ROLES, TENANT_SCOPES } from '../../src/model/principal.ts';
import { bearer, createKey, ROOT_KEY } from './api-keys.ts';
import { type TestServer, testServer } from './http.ts';
import { TENANT } from './tidings.ts';
import type { TwoTenants } from './two-tenants.ts';

/** Callers of every kind, at a server that asks each request for its credentials. */

/** A caller of the own tenant. */
export interface Caller {
  readonly name: string;
  readonly headers: Record<string, string>;
  /** Whether its data is that of the own tenant; false: that of its test keys. */
  readonly isLive: boolean;
  readonly scopes: ReadonlySet<string>;
}

export interface Callers {
  readonly server: TestServer;
  list: readonly Caller[];
  /** Makes the credentials again that requests may have ended: the session, and the token of the user. */
  renew(): Promise<void>;
}

/** Starts a server with the key of the environment; `close` of the server stops it. */
export async function startCallers({ tidings, own }: TwoTenants): Promise<Callers> {
  const server = await testServer(tidings, {
    apiKeys: [ROOT_KEY],
    perMinute: 10_000_000,
    trustedProxies: ['127.0.0.1'],
  });
  const [live, test, viewer] = await Promise.all([
    createKey(server, { name: 'all', scopes: TENANT_SCOPES }),
    createKey(server, { name: 'all of test', environment: 'test', scopes: TENANT_SCOPES }),
    createKey(server, { name: 'viewer', scopes: ROLES.viewer }),
  ]);
  const owner = { issuer: own.issuer, subject: 'own one', name: 'own owner' };
  const sessions = new Sessions({ owner: tidings.database.pool, clock: () => tidings.clock.now, isSecure: false });
  const all = new Set<string>(TENANT_SCOPES);
  const callers: Callers = {
    server,
    list: [],
    async renew() {
      const [cookie = ''] = (await sessions.start(owner)).split(';');
      const path = `/api/v1/users/${encodeURIComponent(own.userId)}/tokens`;
      const made = await server.post(path, { lifetime: '24h' }, bearer(ROOT_KEY));
      const viewing = new Set<string>(ROLES.viewer);
      callers.list = [
        { name: 'a live key', headers: bearer(live.key), isLive: true, scopes: all },
        { name: 'a live key that only views', headers: bearer(viewer.key), isLive: true, scopes: viewing },
        { name: 'a test key', headers: bearer(test.key), isLive: false, scopes: all },
        { name: 'a token of a user', headers: bearer(made.body.token), isLive: true, scopes: new Set(['me']) },
        {
          name: 'a member',
          headers: { cookie, 'sec-fetch-site': 'same-origin', 'x-tidings-tenant': TENANT },
          isLive: true,
          scopes: all,
        },
        {
          name: 'a key of the installation',
          headers: bearer(ROOT_KEY),
          isLive: true,
          scopes: new Set(INSTALLATION_SCOPES),
        },
      ];
    },
  };
  await callers.renew();
  return callers;
}
