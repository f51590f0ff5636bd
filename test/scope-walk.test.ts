import { afterAll, beforeAll, expect, test } from 'vitest';
import { INSTALLATION_SCOPES, ROLES, SCOPES, type Scope } from '../src/model/principal.ts';
import { bearer, createKey, ROOT_KEY } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Walks every operation of the OpenAPI document, also those that are added later. */

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly scope: Scope | 'public';
}

/** Each operation is tried with one in so many of the scopes that do not allow it, and of the roles. */
const SHARE = 4;

let tidings: TestTidings;
let api: TestServer;
let operations: readonly Operation[];

beforeAll(async () => {
  tidings = await testTidings();
  api = await testServer(tidings, { apiKeys: [ROOT_KEY], trustedProxies: ['127.0.0.1', '::1'] });
  const { body } = await api.get('/api/openapi.json');
  operations = Object.entries<Record<string, { security: Record<string, string[]>[] }>>(body.paths).flatMap(
    ([path, byMethod]) =>
      Object.entries(byMethod).map(([method, { security }]) => {
        const [scope = 'public'] = security.flatMap((one) => Object.values(one).flat());
        return { method: method.toUpperCase(), path: path.replace(/\{\w+\}/g, 'unknown'), scope: scope as Scope };
      }),
  );
});

afterAll(async () => {
  await api.close();
  await tidings.close();
});

/**
 * Returns the operations that credentials with these scopes may not call, or may call without the scope.
 * @param offset of the operations that they may not call, one in `SHARE` is tried, counted from here
 */
async function findWrong(scopes: ReadonlySet<Scope>, key: string, offset: number): Promise<string[]> {
  const wrong: string[] = [];
  const tried = operations.filter(({ scope }, n) => scopes.has(scope as Scope) || (n + offset) % SHARE === 0);
  for (const { method, path, scope } of tried) {
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    const { status, body: problem } = await api.send(method, path, body, bearer(key));
    const isAllowed = status !== 401 && status !== 403;
    const isRight = scope === 'public' || scopes.has(scope);
    if (isAllowed !== isRight) wrong.push(`${method} ${path}: ${status}`);
    if (!isAllowed && !problem.detail.includes(scope)) wrong.push(`${method} ${path}: ${problem.detail}`);
  }
  return wrong;
}

test('the document names the scope of every operation', () => {
  expect(operations.length).toBeGreaterThan(30);
  for (const { scope } of operations) expect([...SCOPES, 'public']).toContain(scope);
});

test('without a key, or with one that is unknown, every operation is rejected except public ones', async () => {
  for (const [n, { method, path, scope }] of operations.entries()) {
    // One address each: it may fail only so often.
    const address = { 'x-forwarded-for': `192.0.2.${n % 250}` };
    for (const headers of [{}, bearer('an-unknown-key-of-the-test')] as Record<string, string>[]) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {};
      const { status } = await api.send(method, path, body, { ...headers, ...address });
      expect([method, path, status === 401]).toEqual([method, path, scope !== 'public']);
    }
  }
});

test.each(INSTALLATION_SCOPES.map((scope, n) => [scope, n] as const))(
  'a key with the scope %s alone may call exactly the operations that declare it',
  async (scope, n) => {
    const { key } = await createKey(api, { scopes: [scope], is_installation: scope.startsWith('tenants:') });
    expect(await findWrong(new Set([scope]), key, n)).toEqual([]);
  },
);

test.each(Object.entries(ROLES).map(([role, scopes], n) => [role, scopes, n] as const))(
  'the scopes of the role %s allow exactly its operations',
  async (_role, scopes, n) => {
    const { key } = await createKey(api, { scopes });
    expect(await findWrong(new Set(scopes), key, n)).toEqual([]);
  },
);

test('of the roles, only an owner manages keys and members; a viewer changes nothing', () => {
  const writes = ROLES.viewer.filter((scope: string) => scope.endsWith(':write'));
  expect(writes).toEqual([]);
  for (const [role, scopes] of Object.entries(ROLES)) {
    const isManager = (scopes as readonly string[]).some((scope) =>
      /^(keys|members|issuers|accounts|webhooks):write$/.test(scope),
    );
    expect([role, isManager]).toEqual([role, role === 'owner']);
  }
});
