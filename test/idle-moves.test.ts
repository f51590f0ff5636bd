import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { moveRoute } from '../src/store/route-moves.ts';
import { type TestApi, testApi } from './support/api.ts';
import { routedCatalog } from './support/routes.ts';
import { TENANT } from './support/tidings.ts';

/** Moves of messages end when no other account is left that they could go by, or the account is no longer in the route. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const PATH = '/api/v1/provider-accounts';
const BOTH = 'routes: { email: [{ account: one }, { account: two, tier: 2 }] }';

beforeEach(async () => {
  const { pool } = api.tidings.database;
  await pool.query('delete from route_moves');
  for (const account of ['one', 'two']) {
    const settings = { api_key: 'SG.key', from: 'a@acme.example' };
    const { status } = await api.server.post(PATH, { account, provider: 'sendgrid', settings });
    if (status === 409) await api.server.send('PATCH', `${PATH}/${account}`, { enabled: true });
  }
  await api.tidings.apply(routedCatalog(BOTH));
  const wanted = { tenantId: TENANT, channel: 'email', account: 'one', share: 10, cause: 'it is down' } as const;
  expect((await moveRoute(pool, wanted, api.tidings.clock.now)).step).toBe('route.moved');
  expect(await listMoved()).toEqual(['one']);
});

async function listMoved(): Promise<string[]> {
  const { body } = await api.server.get('/api/v1/queue');
  return body.moves.map(({ account }: { account: string }) => account);
}

test.each([
  ['has the account alone', 'routes: { email: [{ account: one }] }', []],
  ['no longer has the account', 'routes: { email: [{ account: two }, { account: installation, tier: 2 }] }', []],
  ['has no other account that exists', 'routes: { email: [{ account: one }, { account: three }] }', []],
  [
    'has the account beside that of the installation',
    'routes: { email: [{ account: one }, { account: installation }] }',
    ['one'],
  ],
  ['is left to the places of the accounts', undefined, ['one']],
])('the moves under a route that %s are these alone', async (_what, routes, moved) => {
  await api.tidings.apply(routedCatalog(routes));
  expect(await listMoved()).toEqual(moved);
});

test('a move ends when the other account is disabled or deleted', async () => {
  await api.server.send('PATCH', `${PATH}/two`, { enabled: false });
  expect(await listMoved()).toEqual([]);
});

test('the end of a move does not shorten the ten minutes until the next one', async () => {
  await api.tidings.apply(routedCatalog('routes: { email: [{ account: one }] }'));
  await api.tidings.apply(routedCatalog(BOTH));
  const wanted = { tenantId: TENANT, channel: 'email', account: 'two', share: 10, cause: 'it is down' } as const;
  expect(await moveRoute(api.tidings.database.pool, wanted, api.tidings.clock.now)).toEqual({
    movedAt: api.tidings.clock.now,
  });
  expect(await listMoved()).toEqual([]);
});
