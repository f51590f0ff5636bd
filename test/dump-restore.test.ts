import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { OTHER_TABLES } from '../src/store/dump/tables.ts';
import type { TestDatabase } from './support/database.ts';
import {
  addTenant,
  countPartitions,
  emptyDatabase,
  loadTables,
  recordKey,
  runTidings,
  temporaryFolder,
  toEnv,
} from './support/dumps.ts';
import { type WholeTidings, wholeTidings } from './support/whole-tidings.ts';

/** A dump holds everything that a database has, and a restore brings it back, on whichever server. */

const RULES = `
  MAIL: { on: began }
  LATER: { on: came, key: event.by, delay: 1d, cancel_on: ended }
  ONCE: { on: came, key: event.by, limit: once }
`;

let whole: WholeTidings;
let target: TestDatabase;
let folder: { path: string; remove: () => Promise<void> };
beforeAll(async () => {
  folder = await temporaryFolder();
  whole = await wholeTidings(RULES, { 'MAIL/email.en.txt': 'For {{event.by}}', 'LATER/in_app.en.txt': '{{event.by}}' });
  await recordKey(whole.tidings);
  await whole.post('began', { by: 'maria@example.com' }, { email: 'a.user@example.com', note: 'tab\t, \\. and\nline' });
  await whole.post('came', { by: 'maria@example.com' });
  await whole.post('came', { by: '\\.' });
  await whole.post('came', { by: 'martha@example.com' }, {}, { event_id: 'own \\ id' });
  await whole.post('ended', { by: 'martha@example.com' });
  await whole.tidings.pipeline.ingest('default', [{ user_id: 'u1', note: 'maria@example.com' }]);
  await whole.pass(0);
});
afterAll(async () => {
  await whole.close();
  await folder.remove();
});
beforeEach(async () => {
  target = await emptyDatabase();
});
afterEach(() => target.drop());

const env = (database: { readonly url: string } = whole.tidings.database) =>
  toEnv(database, whole.tidings.key, folder.path);

async function dump(name = 'a.dump.gz', ...args: string[]): Promise<string> {
  const file = join(folder.path, name);
  const { code, stderr } = await runTidings(['dump', file, ...args], env());
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return file;
}

test('every table that is logged has rows of tenants, or it is written down what a dump does with it', async () => {
  const { rows } = await whole.tidings.pool.query(
    `select relname as name, relpersistence = 'p' and exists (
       select from pg_attribute where attrelid = c.oid and attname = 'tenant_id' and attnotnull
     ) as tenant
     from pg_class as c
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`,
  );
  const others = rows.filter(({ tenant }) => !tenant).map(({ name }) => name);
  expect(others.sort()).toEqual(Object.keys(OTHER_TABLES).sort());
  const { stdout } = await runTidings(['dump', join(folder.path, 'all.gz'), '--json'], env());
  const dumped = JSON.parse(stdout.toString()).contents.map(({ table }: { table: string }) => table);
  const expected = rows.filter(({ tenant }) => tenant).map(({ name }) => name);
  expect(dumped.sort()).toEqual([...expected, 'metadata', 'catalog_contents', 'catalog_files'].sort());
});

test('a restore into an empty database has every row of every table, in its partition', async () => {
  const file = await dump();
  const before = await loadTables(whole.tidings.pool);
  for (const table of ['events', 'event_ids', 'waits', 'deliveries', 'messages', 'rejected_events', 'limit_uses']) {
    expect(before[table]?.length, table).toBeGreaterThan(0);
  }
  const { code, stdout, stderr } = await runTidings(['restore', file, '--json'], env(target));
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(JSON.parse(stdout.toString())).toMatchObject({ tenant: null, rescued: 0, paused: true });
  expect(await loadTables(target.pool)).toEqual(before);
  expect(await countPartitions(target.pool)).toEqual(await countPartitions(whole.tidings.pool));
});

test('a dump goes from an external server to the embedded one and back, through standard output and input', async () => {
  const before = await loadTables(whole.tidings.pool);
  const out = await runTidings(['dump'], env());
  expect(out.stderr).toContain('as of');
  const embedded = { TIDINGS_ENCRYPTION_KEY: whole.tidings.key, TIDINGS_DATA_DIR: join(folder.path, 'data') };
  const there = await runTidings(['restore', '-'], embedded, { input: out.stdout });
  expect(there.stdout.toString()).toContain('Nothing is sent or fired until you run tidings resume');
  const back = await runTidings(['dump', '-'], embedded);
  const { code } = await runTidings(['restore', '-', '--resume'], env(target), { input: back.stdout });
  expect(code).toBe(0);
  expect(await loadTables(target.pool)).toEqual(before);
}, 60_000);

test('a restore goes into a database that only has the schema', async () => {
  const file = await dump();
  expect((await runTidings(['migrate'], env(target))).code).toBe(0);
  expect((await runTidings(['restore', file], env(target))).code).toBe(0);
  expect(await loadTables(target.pool)).toEqual(await loadTables(whole.tidings.pool));
});

test('a dump has no key and no address, and says which key it needs', async () => {
  const file = await dump();
  const { stdout } = await runTidings(['dump', '--json', '-'], env());
  const text = gunzipSync(stdout).toString();
  expect(text).not.toContain('maria@example.com');
  expect(text).not.toContain(whole.tidings.key);
  expect(text).not.toContain(Buffer.from(whole.tidings.key, 'base64').toString('hex'));
  expect(JSON.parse(text.split('\n')[0] as string)).toMatchObject({
    format: 'tidings-dump',
    format_version: 1,
    key_ids: [whole.tidings.seal.keyId],
    tenant: null,
  });
  const other = { ...env(target), TIDINGS_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64') };
  const { code, stderr } = await runTidings(['restore', file], other);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^tidings: the dump is sealed under key \w{16}, but this process has key \w{16}; .*\n$/);
});

test('what was restored is opened, continued and explained as before', async () => {
  const file = await dump();
  await runTidings(['restore', file, '--resume'], env(target));
  const { pool } = target;
  const { rows } = await pool.query(`select status, count(*)::int as count from waits group by 1 order by 1`);
  expect(rows).toEqual([
    { status: 'cancelled', count: 1 },
    { status: 'waiting', count: 2 },
  ]);
  const check = await runTidings(['backtest', '--live', '--since', '3650d', '--json'], env(target));
  expect(JSON.parse(check.stdout.toString()).reproduced).toMatchObject({ different: 0 });
});

test('a tenant is dumped alone, and added to an installation that has others', async () => {
  const { tidings } = whole;
  await addTenant(tidings, 'other');
  await tidings.pipeline.ingest('other', [
    { user_id: 'u1', event_type: 'came', event_timestamp: '2025-11-20T10:00:00Z', properties: { by: 'x' } },
    { user_id: 'u1', event_type: 'came', event_timestamp: '2024-02-20T10:00:00Z', properties: { by: 'y' } },
  ]);
  await tidings.pool.query(
    `insert into jobs (tenant_id, job_id, action, filter, matched, matched_exact, actor, created_at)
     values ('default', '00000000-0000-7000-8000-000000000001', 'deliveries.retry', '{}', 0, true, '{"kind":"system","id":"test","name":"test","from":null}', now())`,
  );
  const all = await dump('all.gz');
  const one = await dump('one.gz', '--tenant', 'other');
  await tidings.pool.query('delete from jobs');
  expect((await runTidings(['restore', all, '--tenant', 'default'], env(target))).stderr).toBe('');
  const twice = await runTidings(['restore', all, '--tenant', 'default'], env(target));
  expect(twice.stderr).toBe('tidings: this installation has the tenant "default" already; nothing was restored\n');
  const unknown = await runTidings(['restore', one, '--tenant', 'default'], env(target));
  expect(unknown.stderr).toBe('tidings: the dump has only the tenant "other"\n');
  expect((await runTidings(['restore', one, '--resume'], env(target))).stderr).toBe('');
  const before = await loadTables(tidings.pool);
  const after = await loadTables(target.pool);
  for (const table of ['events', 'event_ids', 'users', 'limit_uses', 'catalogs', 'active_catalogs', 'notifications']) {
    expect(after[table], table).toEqual(before[table]);
  }
  const { rows } = await target.pool.query(
    `select count(*)::int as held, (select count(*)::int from jobs where claimed_until > '2400-01-01') as jobs
     from waits where claimed_until > '2400-01-01'`,
  );
  expect(rows[0].held).toBeGreaterThan(0);
  expect(rows[0].jobs).toBe(1);
  expect((await runTidings(['resume', '--tenant', 'default'], env(target))).stdout.toString()).toContain('Released');
  expect((await loadTables(target.pool)).waits).toEqual(before.waits);
});

test('a tenant does not go into an installation with another key', async () => {
  const { tidings } = whole;
  await addTenant(tidings, 'third');
  const file = await dump('one.gz', '--tenant', 'third');
  const key = randomBytes(32).toString('base64');
  const all = await dump();
  expect((await runTidings(['restore', all], env(target))).stderr).toBe('');
  const keys = `${key},${tidings.key}`;
  const { code } = await runTidings(['keys', 'rotate-encryption'], toEnv(target, keys, folder.path));
  expect(code).toBe(0);
  for (const table of ['active_catalogs', 'catalogs', 'audit_log']) {
    await target.pool.query(`delete from ${table} where tenant_id = 'third'`);
  }
  const rejected = await runTidings(['restore', file], toEnv(target, keys, folder.path));
  expect(rejected.stderr).toMatch(
    /^tidings: the dump is sealed under key \w+, and this installation under key \w+; seal both under the same key .*\n$/,
  );
}, 60_000);

test('during a rotation of the key, a dump needs each key that something is sealed under', async () => {
  const key = randomBytes(32).toString('base64');
  const { stdout } = await runTidings(
    ['dump', '-'],
    toEnv(whole.tidings.database, `${key},${whole.tidings.key}`, folder.path),
  );
  const file = join(folder.path, 'both.gz');
  await writeFile(file, stdout);
  for (const one of [key, whole.tidings.key]) {
    const { stderr } = await runTidings(['restore', file], toEnv(target, one, folder.path));
    expect(stderr).toContain('the dump is sealed under key');
  }
  expect((await runTidings(['restore', file], toEnv(target, `${whole.tidings.key},${key}`, folder.path))).stderr).toBe(
    '',
  );
});

test('timeouts of the connection URL do not end a dump or a restore', async () => {
  const limits = 'statement_timeout=1&query_timeout=1&idle_in_transaction_session_timeout=1';
  const limited = ({ url }: { url: string }) => ({ url: `${url}${url.includes('?') ? '&' : '?'}${limits}` });
  const { stdout, code } = await runTidings(['dump', '-'], env(limited(whole.tidings.database)));
  expect(code).toBe(0);
  expect((await runTidings(['restore', '-'], env(limited(target)), { input: stdout })).code).toBe(0);
});

test('a tenant that is not there is not dumped', async () => {
  const file = join(folder.path, 'none.gz');
  const { code, stderr } = await runTidings(['dump', file, '--tenant', 'nowhere'], env());
  expect(code).toBe(1);
  expect(stderr).toBe('tidings: there is no tenant "nowhere" in this database\n');
  await writeFile(file, '', { flag: 'wx' });
});
