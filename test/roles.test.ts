import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROLES, type Role } from '../src/model/principal.ts';
import { API_KEY, type LoginTest, testLogin } from './support/oidc.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Every operation of the OpenAPI document, called by a member of each role: the scopes of the role decide. */

let tidings: TestTidings;
let login: LoginTest;
let operations: { readonly method: string; readonly path: string; readonly scope: string }[];

beforeAll(async () => {
  tidings = await testTidings();
  login = await testLogin(tidings);
  const { paths } = (await login.server.get('/api/openapi.json')).body;
  operations = Object.entries<object>(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { security }]) => {
      const scope = Object.values<string[]>(security[0] ?? {})[0]?.[0];
      return scope === undefined ? [] : [{ method: method.toUpperCase(), path, scope }];
    }),
  );
});

afterAll(async () => {
  await login.close();
  await tidings.close();
});

test.each(Object.keys(ROLES) as Role[])(
  'a member with the role %s may do what its scopes say, and nothing else',
  async (role) => {
    const member = { issuer: login.provider.url, subject: role, role };
    await login.server.post('/api/v1/members', member, { 'x-api-key': API_KEY });
    const browser = login.browser();
    login.provider.account = { sub: role };
    await browser.visit('/api/v1/login');
    const scopes: readonly string[] = ROLES[role];
    const wrong: string[] = [];
    expect(operations.length).toBeGreaterThan(40);
    for (const { method, path, scope } of operations) {
      const { status, body } = await browser.call(method, path.replaceAll(/\{\w+\}/g, 'unknown'));
      const isRejected = status === 403 && body.code === 'forbidden';
      if (isRejected === scopes.includes(scope) || status === 401 || status >= 500) {
        wrong.push(`${method} ${path} (${scope}): ${status}`);
      }
    }
    expect(wrong).toEqual([]);
  },
);
