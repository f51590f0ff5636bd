import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { noopProvider } from '../src/channels/noop.ts';
import { awaitQuiet } from '../src/store/dump/quiet-tenant.ts';
import { Program } from './support/program.ts';
import { useTenants } from './support/tenants.ts';

/** Writes of a frozen or slow process after its tenant was deleted are not stored, or are deleted as well. */

const api = useTenants();
const { send, rows } = api;
const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) program.kill('SIGKILL');
  await api.tidings.stopWorkers(0);
});

/** Returns how many rows a tenant has, by table; tables without one are left out. */
async function countRows(tenant: string): Promise<{ [table: string]: number }> {
  const tables = await rows(
    `select relname as name from pg_class as c
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
       and exists (select from pg_attribute where attrelid = c.oid and attname = 'tenant_id')`,
  );
  const counts: { [table: string]: number } = {};
  for (const { name } of tables) {
    const [{ n }] = await rows(`select count(*)::int as n from ${name} where tenant_id = $1`, [tenant]);
    if (n > 0) counts[name] = n;
  }
  return counts;
}

/** Starts a process that ingests an event of the tenant, and resolves when it is frozen: before its transaction, or within. */
async function freezeIngesting(tenant: string, when: 'before' | 'within'): Promise<Program> {
  const file = fileURLToPath(new URL('support/frozen-intake.ts', import.meta.url));
  const event = {
    user_id: 'late',
    event_type: 'came',
    event_timestamp: new Date().toISOString(),
    user_traits: { email: 'late@example.com' },
  };
  const { url } = api.tidings.database;
  const program = new Program(['--import', 'tsx', file, url, '600000', JSON.stringify(event), tenant, when], {});
  programs.push(program);
  const stat = `/proc/${program.process.pid}/stat`;
  await expect.poll(async () => /\) T /.test(await readFile(stat, 'utf8')), { timeout: 60_000 }).toBe(true);
  return program;
}

test('a process that was frozen within its transaction is waited for, and what it writes is deleted as well', async () => {
  await api.create('within');
  const frozen = await freezeIngesting('within', 'within');
  await send('DELETE', '/api/v1/tenants/within');
  for (let looks = 0; looks < 3; looks++) await api.keep();
  expect(await countRows('within')).toEqual({ tenants: 1 });
  frozen.kill('SIGCONT');
  await frozen.says(/^answer: accepted$/m, 60_000);
  await frozen.ended;
  expect((await countRows('within')).events).toBe(1);
  for (let looks = 0; looks < 3; looks++) await api.keep();
  expect(await countRows('within')).toEqual({});
}, 120_000);

test('a process that was frozen before its transaction stores nothing of a tenant that is gone', async () => {
  await api.create('before');
  const frozen = await freezeIngesting('before', 'before');
  await send('DELETE', '/api/v1/tenants/before');
  for (let looks = 0; looks < 3; looks++) await api.keep();
  expect(await countRows('before')).toEqual({});
  frozen.kill('SIGCONT');
  await frozen.says(/^answer: tenant_suspended$/m, 60_000);
  expect(await countRows('before')).toEqual({});
}, 120_000);

test('a process that was frozen before its transaction decides nothing of a tenant that moves', async () => {
  await api.create('away');
  const frozen = await freezeIngesting('away', 'before');
  await send('POST', '/api/v1/tenants/away/move');
  frozen.kill('SIGCONT');
  await frozen.says(/^answer: tenant_moving$/m, 60_000);
  expect((await countRows('away')).events).toBeUndefined();
}, 120_000);

test('a dump of a tenant that moves waits for a transaction that was frozen', async () => {
  await api.create('midway');
  const frozen = await freezeIngesting('midway', 'within');
  await send('POST', '/api/v1/tenants/midway/move');
  await expect(awaitQuiet(api.tidings.pool, 'midway', 300)).rejects.toThrow(
    /^transactions of the tenant "midway" do not end/,
  );
  frozen.kill('SIGCONT');
  await frozen.says(/^answer: accepted$/m, 60_000);
  await awaitQuiet(api.tidings.pool, 'midway', 60_000);
  expect((await countRows('midway')).events).toBe(1);
}, 120_000);

test('a dump of a tenant that is resumed while it waits ends, and holds nothing of it', async () => {
  await api.create('stays');
  await api.tidings.stopWorkers(0);
  await api.post('stays', ['first', 'second']);
  const claim = await api.tidings.pool.connect();
  const due = (when: string) =>
    rows(`select user_id from deliveries where tenant_id = 'stays' and due_at ${when} '2400-01-01' order by 1`);
  let quiet: Promise<unknown>;
  try {
    await claim.query('begin');
    await claim.query(`select from deliveries where tenant_id = 'stays' and user_id = 'first' for update`);
    await send('POST', '/api/v1/tenants/stays/move');
    quiet = awaitQuiet(api.tidings.pool, 'stays').catch((error: Error) => error.message);
    await expect.poll(() => due('>'), { timeout: 30_000 }).toEqual([{ user_id: 'second' }]);
    await send('POST', '/api/v1/tenants/stays/resume');
  } finally {
    await claim.query('rollback');
    claim.release();
  }
  expect(await quiet).toMatch(/^the tenant "stays" was resumed or changed meanwhile; nothing was dumped/);
  await api.keep();
  expect(await due('<')).toEqual([{ user_id: 'first' }, { user_id: 'second' }]);
}, 60_000);

test('a message that was being sent when its tenant was deleted leaves neither its attempt nor its text', async () => {
  const ends: (() => void)[] = [];
  const provider = {
    ...noopProvider(['email']),
    name: 'slow',
    keepsMessage: true,
    async send(outgoing: { userId: string }) {
      await new Promise<void>((end) => ends.push(end));
      const base = { providerMessageId: null, response: 'r' };
      return outgoing.userId === 'fails'
        ? ({ ...base, kind: 'retry', reason: 'busy', scope: 'recipient' } as const)
        : ({ ...base, kind: 'sent' } as const);
    },
  };
  await api.create('sending', { settings: { branding: { slogan: 'Hello' } } });
  await api.post('sending', ['succeeds', 'fails']);
  await api.tidings.worker({ providers: new Map([['email', provider as never]]) });
  await expect.poll(() => ends.length).toBe(2);
  await send('DELETE', '/api/v1/tenants/sending');
  for (let looks = 0; looks < 3; looks++) await api.keep();
  expect(await countRows('sending')).toEqual({});
  for (const end of ends) end();
  await api.tidings.stopWorkers(5000);
  expect(await countRows('sending')).toEqual({});
}, 60_000);

test('neither a rejected event nor a job is stored for a tenant that is gone', async () => {
  await api.create('lost');
  await api.tidings.catalogs.refresh('lost');
  await send('DELETE', '/api/v1/tenants/lost');
  for (let looks = 0; looks < 3; looks++) await api.keep();
  await api.tidings.pipeline.ingest('lost', [{ user_id: 'x' }]);
  expect(await countRows('lost')).toEqual({});
});
