import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import { type TestServer, testServer } from './http.ts';
import type { TestTidings } from './tidings.ts';

/** A real OpenID provider on this machine, whose accounts log in without a form. */
export interface TestProvider {
  readonly url: string;
  /** The one that logs in next; null: the account says no. */
  account: TestAccount | null;
  close(): Promise<void>;
}

export interface TestAccount {
  readonly sub: string;
  readonly name?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
}

const CLIENT_ID = 'tidings';
const CLIENT_SECRET = 'a secret of the client';

async function testProvider(redirectUri: string, clientAuth?: 'client_secret_post'): Promise<TestProvider> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const accounts = new Map<string, TestAccount>();
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const provider = new Provider(url, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [redirectUri],
        ...(clientAuth && { token_endpoint_auth_method: clientAuth }),
      },
    ],
    ...(clientAuth && { clientAuthMethods: [clientAuth] }),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'k', alg: 'RS256', use: 'sig' }] as never },
    cookies: { keys: ['signs cookies'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    findAccount: (_context, sub) => ({ accountId: sub, claims: async () => ({ ...accounts.get(sub), sub }) }),
    async loadExistingGrant(context) {
      const grant = new provider.Grant({ clientId: CLIENT_ID, accountId: context.oidc.session?.accountId as string });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
    ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 60, IdToken: 60, Interaction: 60, Session: 60 },
  });
  const respond = provider.callback();
  const started: TestProvider = {
    url,
    account: null,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  server.on('request', (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return void respond(request, response);
    const { account } = started;
    if (account) accounts.set(account.sub, account);
    const result = account ? { login: { accountId: account.sub } } : { error: 'access_denied' };
    void provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  });
  return started;
}

/** A server whose accounts log in by a real OpenID provider, and a browser without a window. */
export interface LoginTest {
  readonly server: TestServer;
  readonly provider: TestProvider;
  /** Makes a browser that has no cookies yet. */
  browser(): TestBrowser;
  close(): Promise<void>;
}

export const API_KEY = 'a key of the environment';

/**
 * @param clientAuth the only way in which clients prove who they are; undefined: the usual ones
 * @param proxyUrl URL of a proxy in front of the server, which trusts it; default: browsers reach the server itself
 */
export async function testLogin(
  tidings: TestTidings,
  { clientAuth, proxyUrl }: { clientAuth?: 'client_secret_post'; proxyUrl?: string } = {},
): Promise<LoginTest> {
  const port = await findFreePort();
  const publicUrl = proxyUrl ?? `http://127.0.0.1:${port}`;
  const provider = await testProvider(`${publicUrl}/api/v1/login/callback`, clientAuth);
  const oidc = { issuer: provider.url, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET };
  const server = await testServer(tidings, {
    apiKeys: [API_KEY],
    publicUrl,
    oidc,
    port,
    trustedProxies: proxyUrl === undefined ? [] : ['127.0.0.1'],
  });
  return {
    server,
    provider,
    browser: () => testBrowser(server),
    async close() {
      await server.close();
      await provider.close();
    },
  };
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface TestBrowser {
  readonly cookies: Map<string, string>;
  /** The `set-cookie` headers of the latest response, as received. */
  setCookies: readonly string[];
  /** Follows redirects from a path of the server until a page, or until `stop` says so. Returns the last URL. */
  visit(path: string, stop?: (url: URL) => boolean): Promise<URL>;
  /** Calls the API as the console does. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): ReturnType<TestServer['send']>;
}

const MAX_REDIRECTS = 20;

export function testBrowser(server: TestServer): TestBrowser {
  const cookies = new Map<string, string>();
  const header = (): Record<string, string> =>
    cookies.size === 0 ? {} : { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
  const keep = (headers: Headers) => {
    browser.setCookies = headers.getSetCookie();
    for (const line of browser.setCookies) {
      const [pair = '', ...attributes] = line.split('; ');
      const at = pair.indexOf('=');
      const isGone = attributes.some((one) => /^(max-age=0|expires=thu, 01 jan 1970)/i.test(one));
      if (isGone) cookies.delete(pair.slice(0, at));
      else cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
  };
  const browser: TestBrowser = {
    cookies,
    setCookies: [],
    async visit(path, stop = () => false) {
      let url = new URL(path, server.url);
      for (let step = 0; step < MAX_REDIRECTS && !stop(url); step++) {
        const response = await fetch(url, { redirect: 'manual', headers: header() });
        await response.text();
        keep(response.headers);
        const location = response.headers.get('location');
        if (location === null) return url;
        url = new URL(location, url);
      }
      return url;
    },
    async call(method, path, body, headers = {}) {
      const answer = await server.send(method, path, body, {
        ...header(),
        'sec-fetch-site': 'same-origin',
        ...headers,
      });
      keep(answer.headers);
      return answer;
    },
  };
  return browser;
}
