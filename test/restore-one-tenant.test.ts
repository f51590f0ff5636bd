import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey, tryKey } from './support/api-keys.ts';
import { type Ended, emptyDatabase, recordKey, runTidings, temporaryFolder, toEnv } from './support/dumps.ts';
import { useTenants } from './support/tenants.ts';

/** One tenant of an installation that runs: dumped, deleted, and restored. */

const api = useTenants();
const { send, rows } = api;
let folder: { path: string; remove: () => Promise<void> };
beforeAll(async () => {
  folder = await temporaryFolder();
  await recordKey(api.tidings);
});
afterAll(() => folder.remove());

function run(args: string[], database = api.tidings.database, more: { [name: string]: string } = {}): Promise<Ended> {
  return runTidings(args, { ...toEnv(database, api.tidings.key, folder.path), ...more });
}

async function dump(tenant: string): Promise<string> {
  const file = join(folder.path, `${tenant}.gz`);
  expect((await run(['dump', file, '--tenant', tenant])).stderr).toBe('');
  return file;
}

async function restore(file: string, ...args: string[]): Promise<{ left_out: object; paused: boolean }> {
  const { stdout, stderr } = await run(['restore', file, '--json', ...args]);
  expect(stderr).toBe('');
  return JSON.parse(stdout.toString());
}

async function remove(tenant: string): Promise<void> {
  expect((await send('DELETE', `/api/v1/tenants/${tenant}`)).status).toBe(202);
  await api.keep();
  await api.keep();
  expect(await rows('select from tenants where tenant_id = $1', [tenant])).toEqual([]);
}

const countEvents = async (tenant: string) =>
  (await rows('select count(*)::int as n from events where tenant_id = $1', [tenant]))[0].n;
const NOTHING = { followed: null, installation_keys: 0 };
const toFiles = (name: string) => ({
  'events.yaml': `events: { came: {}, ${name}: {} }\n`,
  'notifications.yaml': 'notifications: {}\n',
  'rules.yaml': 'rules: {}\n',
});

test('a tenant comes back with the world of its test keys, and its keys work at once', async () => {
  await api.create('acme');
  const key = await createKey(api.server, {}, { tenant: 'acme' });
  const testKey = await createKey(api.server, { environment: 'test' }, { tenant: 'acme' });
  await api.post('acme', ['a', 'b']);
  const event = { user_id: 't', event_type: 'came', event_timestamp: new Date(api.tidings.clock.now).toISOString() };
  await api.tidings.pipeline.ingest('acme.test', [event]);
  const file = await dump('acme');
  const rejected = await run(['restore', file]);
  expect(rejected.stderr).toBe('tidings: this installation has the tenant "acme" already; nothing was restored\n');
  await remove('acme');
  expect(await tryKey(api.server, key.key)).toEqual([401, 'unauthorized']);
  expect(await restore(file)).toMatchObject({ left_out: NOTHING, paused: true });
  expect([await countEvents('acme'), await countEvents('acme.test')]).toEqual([2, 1]);
  const { body } = await send('GET', '/api/v1/tenants/acme');
  expect(body).toMatchObject({ status: 'active', follows: 'default' });
  // This server listens to no announcements; it learns of the keys within seconds.
  await expect.poll(() => tryKey(api.server, key.key), { timeout: 45_000 }).toEqual([200]);
  await expect.poll(() => tryKey(api.server, testKey.key), { timeout: 45_000 }).toEqual([200]);
}, 120_000);

test('a tenant comes back with what is known of its sums of metrics that were removed', async () => {
  await api.create('summed');
  const { now } = api.tidings.clock;
  const series = (tenant: string) => {
    const from = new Date(now - 5 * 86_400_000).toISOString();
    return send('GET', `/api/v1/metrics/series?grain=hour&from=${from}`, undefined, tenant);
  };
  // Retention goes by the clock of the database, which is far ahead of this one.
  await rows(
    `insert into metric_rollups (tenant_id, grain, dimension, bucket, notification_type, channel, value, sent)
     values ('summed', 'hour', 'channel', $1, '', 'sms', '', 3)`,
    [new Date(now - 4 * 86_400_000).toISOString()],
  );
  expect((await series('summed')).status).toBe(200);
  await run(['retention', '--yes']);
  expect((await series('summed')).status).toBe(400);
  expect((await series('default')).status).toBe(200);
  const file = await dump('summed');
  await remove('summed');
  await api.create('summed');
  expect((await series('summed')).status).toBe(200);
  await remove('summed');
  await restore(file);
  expect((await series('summed')).status).toBe(400);
}, 60_000);

test('a tenant that is being deleted is neither dumped, nor restored from a dump of all, nor overwritten', async () => {
  await api.create('half');
  const whole = await dump('half');
  await send('DELETE', '/api/v1/tenants/half');
  const message = 'tidings: the tenant "half" is being deleted; a dump would have only a part of it\n';
  expect((await run(['dump', '--tenant', 'half', join(folder.path, 'x.gz')])).stderr).toBe(message);
  expect((await run(['restore', whole])).stderr).toContain('has the tenant "half" already');
  const all = join(folder.path, 'all.gz');
  await run(['dump', all]);
  await api.keep();
  await api.keep();
  expect((await run(['restore', all, '--tenant', 'half'])).stderr).toBe(
    'tidings: the tenant "half" was being deleted when it was dumped; the dump has only a part of it\n',
  );
  expect((await run(['restore', all, '--tenant', 'none'])).stderr).toBe('tidings: the dump has no tenant "none"\n');
  expect(await restore(whole)).toMatchObject({ left_out: NOTHING });
});

test('the tenant of test keys is not dumped, restored or resumed without its live one', async () => {
  await api.create('live');
  await createKey(api.server, { environment: 'test' }, { tenant: 'live' });
  const file = await dump('live');
  const message = 'tidings: "live.test" has the data of the test keys of "live"; name that tenant\n';
  for (const args of [['dump', join(folder.path, 'y.gz')], ['restore', file], ['resume']]) {
    expect((await run([...args, '--tenant', 'live.test'])).stderr, args[0]).toBe(message);
  }
  const unknown = await run(['resume', '--tenant', 'nowhere']);
  expect(unknown.stderr).toMatch(/^tidings: there is no tenant nowhere /);
});

test('a follower whose base went on meanwhile has its latest catalog, and follows it', async () => {
  await api.create('base');
  await api.create('follower', { follows: 'base' });
  const file = await dump('follower');
  await remove('follower');
  await send('POST', '/api/v1/catalog', { files: toFiles('later') }, 'base');
  expect(await restore(file)).toMatchObject({ left_out: NOTHING });
  const { body } = await send('GET', '/api/v1/tenants/follower');
  expect(body.follows).toBe('base');
  const { body: versions } = await send('GET', '/api/v1/catalog/versions', undefined, 'follower');
  expect(versions.versions.map((one: { version: number; active: boolean }) => [one.version, one.active])).toEqual([
    [2, true],
    [1, false],
  ]);
});

test('a follower whose base is missing, or is another one of the same name, keeps the catalog that it had', async () => {
  await api.create('root');
  await send('POST', '/api/v1/catalog', { files: toFiles('own') }, 'root');
  await api.create('leaf', { follows: 'root' });
  const file = await dump('leaf');
  await remove('leaf');
  await remove('root');
  const text = await run(['restore', file]);
  expect(text.stdout.toString()).toContain('It followed "root", which does not have that catalog here');
  expect((await send('GET', '/api/v1/tenants/leaf')).body.follows).toBeNull();
  await remove('leaf');
  await api.create('root');
  expect(await restore(file)).toMatchObject({ left_out: { followed: 'root', installation_keys: 0 } });
  expect((await send('GET', '/api/v1/tenants/leaf')).body.follows).toBeNull();
  const { body } = await send('GET', '/api/v1/catalog', undefined, 'leaf');
  expect(JSON.stringify(body)).toContain('"own"');
});

test('keys of the whole installation do not come with one tenant', async () => {
  await api.create('guest');
  const key = await createKey(api.server, { is_installation: true }, { tenant: 'guest' });
  await createKey(api.server, {}, { tenant: 'guest' });
  const file = await dump('guest');
  await remove('guest');
  expect(await restore(file)).toMatchObject({ left_out: { followed: null, installation_keys: 1 } });
  expect(await rows('select key_id from api_keys where key_id = $1', [key.key_id])).toEqual([]);
  expect(await rows(`select from api_keys where tenant_id = 'guest'`)).toHaveLength(1);
});

test('a suspended tenant comes back suspended, with its queue held until it is resumed', async () => {
  await api.create('quiet');
  await api.post('quiet', ['a']);
  await send('POST', '/api/v1/tenants/quiet/suspend');
  await api.keep();
  const file = await dump('quiet');
  await remove('quiet');
  await restore(file, '--resume');
  const deliveries = `select status, due_at > '2400-01-01' as held from deliveries where tenant_id = 'quiet'`;
  expect(await rows(deliveries)).toEqual([{ status: 'queued', held: true }]);
  expect((await run(['resume', '--tenant', 'quiet'])).stderr).toContain('is suspended');
  await send('POST', '/api/v1/tenants/quiet/resume');
  await api.keep();
  expect(await rows(deliveries)).toEqual([{ status: 'queued', held: false }]);
});

test('a tenant whose queue was just being released is held until the operator resumes it', async () => {
  await api.create('released');
  await api.rows(`insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, state, claimed_until)
     values ('released', 'u1', gen_random_uuid(), 'R', '', 'delay', 1, 'waiting', now(), now(), now(), '{}', '2500-01-01Z')`);
  await api.rows(`update tenants set is_held = true where tenant_id = 'released'`);
  const file = await dump('released');
  await remove('released');
  await restore(file);
  await api.keep();
  const held = `select claimed_until is not null as held from waits where tenant_id = 'released'`;
  expect(await rows(held)).toEqual([{ held: true }]);
  expect((await run(['resume', '--tenant', 'released'])).stdout.toString()).toContain('Released 1 timer');
  expect(await rows(held)).toEqual([{ held: false }]);
});

test('a second tenant is not restored where nothing but Tidings would keep it apart', async () => {
  await api.create('second');
  const file = await dump('second');
  await remove('second');
  const { database } = api.tidings;
  const { stderr } = await run(['restore', file], database, { TIDINGS_API_DATABASE_URL: database.url });
  expect(stderr).toMatch(/^tidings: a second tenant needs a login of the API that row-level security holds for: .*\n$/);
  expect(await rows(`select from tenants where tenant_id = 'second'`)).toEqual([]);
  const empty = await emptyDatabase();
  const first = await run(['restore', file], empty, { TIDINGS_API_DATABASE_URL: empty.url });
  expect(first.stderr).toBe('');
  await empty.drop();
});
