import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkRouteMoves } from '../src/health/work-checks.ts';
import type { Channel } from '../src/model/delivery.ts';
import { systemActor } from '../src/model/principal.ts';
import { rollBackCatalog } from '../src/store/apply-catalog.ts';
import { followCatalog } from '../src/store/catalog-followers.ts';
import { listRouteMoves, moveRoute } from '../src/store/route-moves.ts';
import { routedCatalog } from './support/routes.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Moves of accounts that the active catalog no longer names: they end with its activation. */

const SMS = 'sms: [{ account: main }, { account: installation, tier: 2 }]';
const BOTH = `routes: { email: [{ account: main }, { account: spare, tier: 2 }], ${SMS} }`;
const SPARE = `routes: { email: [{ account: spare }, { account: installation, tier: 2 }], ${SMS} }`;
const ACTOR = systemActor('test');

let tidings: TestTidings;
beforeEach(async () => {
  tidings = await testTidings({}, routedCatalog(BOTH));
  await tidings.pool.query(
    `insert into provider_accounts (tenant_id, account, provider, channels, settings, place, operation_id)
     select 'default', account, 'http', '{email,sms}', '{}', place, gen_random_uuid()
     from unnest(array['main', 'spare']) with ordinality as a (account, place)`,
  );
});
afterEach(() => tidings.close());

function move(account: string, channel: Channel = 'email', tenantId = TENANT) {
  const wanted = { tenantId, channel, account, share: 10, cause: 'it is down' };
  tidings.clock.now += 601_000;
  return moveRoute(tidings.pool, wanted, tidings.clock.now);
}
const listMoved = async () =>
  (await listRouteMoves(tidings.pool, null)).map(({ channel, account }) => `${channel} ${account}`).sort();
const getHealth = async () => (await checkRouteMoves(tidings.pool).run()).status;

test('a catalog that no longer names an account in the route of a channel ends its moves there, and the health is good', async () => {
  await move('main');
  expect(await getHealth()).toBe('degraded');
  await tidings.apply(routedCatalog(SPARE));
  expect(await listMoved()).toEqual([]);
  expect(await getHealth()).toBe('ok');
});

test('moves of other accounts and of other channels stay', async () => {
  await move('main');
  await move('spare');
  await move('main', 'sms');
  await tidings.apply(routedCatalog(SPARE));
  expect(await listMoved()).toEqual(['email spare', 'sms main']);
});

test('without a route the accounts of the tenant count by their places: their moves stay, that of the installation ends', async () => {
  await move('main');
  await tidings.apply(routedCatalog('routes: { email: [{ account: installation }, { account: main, tier: 2 }] }'));
  await move('installation');
  await tidings.apply(routedCatalog());
  expect(await listMoved()).toEqual(['email main']);
});

test('so does a version that is activated again', async () => {
  await tidings.apply(routedCatalog(SPARE));
  await tidings.apply(routedCatalog(BOTH));
  await move('main');
  await rollBackCatalog(tidings.pool, TENANT, 2, ACTOR, tidings.clock.now);
  expect(await listMoved()).toEqual([]);
});

test('so does the catalog of a tenant that is followed', async () => {
  await tidings.pool.query(`insert into tenants select * from (
    select (jsonb_populate_record(t, '{"tenant_id": "branch"}')).* from tenants as t where tenant_id = 'default') as t`);
  await followCatalog(tidings.pool, 'branch', TENANT, ACTOR, tidings.clock.now);
  await move('main', 'email', 'branch');
  expect(await listMoved()).toEqual(['email main']);
  await tidings.apply(routedCatalog(SPARE));
  expect(await listMoved()).toEqual([]);
});

test('a process that knows the catalog before makes no move of such an account, and may move the others at once', async () => {
  await tidings.apply(routedCatalog(SPARE));
  expect(await move('main')).not.toHaveProperty('step');
  expect(await listMoved()).toEqual([]);
  expect(await move('spare')).toHaveProperty('step', 'route.moved');
});

test('a move at the moment of the activation does not outlive it', async () => {
  for (let round = 0; round < 8; round++) {
    await tidings.apply(routedCatalog(BOTH));
    await tidings.pool.query('delete from route_moves');
    await Promise.all([move('main'), tidings.apply(routedCatalog(SPARE))]);
    expect(await listMoved()).toEqual([]);
  }
});
