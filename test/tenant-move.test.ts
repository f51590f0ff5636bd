import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Tidings } from '../packages/client/src/tidings.ts';
import { ROOT_KEY } from './support/api-keys.ts';
import { useCatalogProcesses } from './support/catalog-processes.ts';
import { runTidings, temporaryFolder } from './support/dumps.ts';
import { type MailSink, mailSink } from './support/mailsink.ts';

/** A tenant goes from one installation to another, while a client with retries posts: nothing is lost, doubled, or an error. */

vi.setConfig({ testTimeout: 180_000 });

const CATALOG = [
  ['events.yaml', 'events: { came: {} }\ntraits: { email: string }\n'],
  ['notifications.yaml', 'notifications: { MAIL: { category: TRANSACTIONAL, channels: [email] } }\n'],
  ['rules.yaml', 'rules: { MAIL: { on: came }, LATER: { on: came, notify: MAIL, delay: 8s } }\n'],
  ['templates/MAIL/email.en.subject.txt', 'Hello'],
  ['templates/MAIL/email.en.html', '<p>Hello</p>'],
] as const;

const KEY = randomBytes(32).toString('base64');
const prepare = useCatalogProcesses(afterAll);
let sink: MailSink;
let folder: { path: string; remove: () => Promise<void> };
let from: Cell;
let to: Cell;

beforeAll(async () => {
  sink = await mailSink();
  folder = await temporaryFolder();
  [from, to] = await Promise.all([startCell(), startCell()]);
}, 180_000);
afterAll(async () => {
  await sink.close();
  await folder.remove();
});

type Cell = Awaited<ReturnType<typeof startCell>>;

/** An installation of its own, with the keys that both have. */
async function startCell() {
  const { database, start } = await prepare({
    catalog: CATALOG,
    leaseMs: 5000,
    env: { SMTP_URL: sink.url, TIDINGS_ENCRYPTION_KEY: KEY, TIDINGS_API_KEYS: ROOT_KEY },
  });
  const { url } = await start('start', database.url, { TIDINGS_API_DATABASE_URL: database.apiUrl });
  const env = {
    DATABASE_URL: database.url,
    TIDINGS_API_DATABASE_URL: database.apiUrl,
    TIDINGS_ENCRYPTION_KEY: KEY,
    TIDINGS_DATA_DIR: folder.path,
    TIDINGS_URL: String(url),
    TIDINGS_API_KEY: ROOT_KEY,
  };
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await runTidings(args, env);
    expect(code, stderr).toBe(0);
    return stdout.toString();
  };
  const count = async (sql: string) => Number((await database.pool.query<{ n: number }>(sql)).rows[0]?.n);
  return { database, url: String(url), env, run, count };
}

test('a tenant moves to another installation while it is used', async () => {
  await from.run('tenants', 'create', 'acme');
  /** The routing table: the installation of each tenant. */
  const cells = new Map([['acme', from.url]]);
  const tidings = new Tidings({
    baseUrl: 'http://acme.invalid',
    apiKey: ROOT_KEY,
    tenant: 'acme',
    maxRetries: 60,
    fetch: (address, init) => fetch(String(address).replace('http://acme.invalid', cells.get('acme') as string), init),
  });
  let isOver = false;
  let posted = 0;
  const lanes = Promise.all(
    Array.from({ length: 4 }, async (_, lane) => {
      for (let n = 0; !isOver; n++) {
        const user = `${lane}-${n}`;
        const { accepted, duplicates } = await tidings.events.send([
          {
            event_id: user,
            user_id: user,
            event_type: 'came',
            event_timestamp: new Date().toISOString(),
            user_traits: { email: `${user}@example.com` },
          },
        ]);
        expect(accepted + duplicates).toBe(1);
        posted++;
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    }),
  );
  await expect.poll(() => posted).toBeGreaterThan(40);

  await from.run('tenants', 'move', 'acme', '--yes');
  const answer = await fetch(`${from.url}/api/v1/users`, {
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'x-tidings-tenant': 'acme' },
  });
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('2');
  expect(await answer.json()).toMatchObject({ code: 'tenant_moving' });
  const file = join(folder.path, 'acme.gz');
  await from.run('dump', file, '--tenant', 'acme');
  await to.run('restore', file, '--tenant', 'acme', '--resume');
  const before = posted;
  cells.set('acme', to.url);
  await to.run('tenants', 'resume', 'acme');
  await from.run('tenants', 'delete', 'acme', '--yes');
  await expect.poll(() => posted, { timeout: 30_000 }).toBeGreaterThan(before + 40);
  isOver = true;
  await lanes;

  const stored = await to.database.pool.query<{ n: number }>(
    `select count(*)::int as n from events where tenant_id = 'acme' and event_type = 'came'`,
  );
  expect(stored.rows[0]?.n).toBe(posted);
  // Each user gets the message of the event and, later, that of the wait: no more and no less.
  await expect.poll(() => sink.recipients().length, { timeout: 60_000 }).toBeGreaterThanOrEqual(2 * posted);
  const byUser = new Map<string, number>();
  for (const recipient of sink.recipients()) byUser.set(recipient, (byUser.get(recipient) ?? 0) + 1);
  expect([byUser.size, [...new Set(byUser.values())]]).toEqual([posted, [2]]);
  const here = await from.database.pool.query(`select status, count(*)::int as n from deliveries
    where tenant_id = 'acme' and finished_at is null group by status`);
  expect(here.rows.filter(({ status }) => status === 'sending')).toEqual([]);
});

/** Posts events of new users, who get two messages each. Returns their addresses. */
async function post({ url }: Cell, tenant: string, users: readonly string[]): Promise<string[]> {
  const events = users.map((user) => ({
    event_id: user,
    user_id: user,
    event_type: 'came',
    event_timestamp: new Date().toISOString(),
    user_traits: { email: `${user}@${tenant}.example` },
  }));
  const answer = await fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'x-tidings-tenant': tenant, 'content-type': 'application/json' },
    body: JSON.stringify(events),
  });
  expect(answer.status).toBe(202);
  return events.map(({ user_traits }) => user_traits.email);
}

/** Runs a step that waits for a table, does something meanwhile, and kills it. */
async function killStep({ database, env, count }: Cell, args: string[], meanwhile = async () => {}): Promise<void> {
  const connection = await database.pool.connect();
  const mode = args[0] === 'dump' ? 'access exclusive' : 'share';
  const sessions = `select count(*) as n from pg_stat_activity where datname = current_database() and application_name = 'tidings ${args[0]}'`;
  const isWaiting = `${sessions} and wait_event_type = 'Lock'`;
  let problem: unknown;
  try {
    // Only a step that writes or reads this table, which is one in the middle, waits for it.
    await connection.query(
      `begin; set local idle_in_transaction_session_timeout = 0; lock table list_members in ${mode} mode`,
    );
    const { code, stderr } = await runTidings(args, env, {
      async onStarted(kill) {
        try {
          await expect.poll(() => count(isWaiting), { timeout: 60_000 }).toBe(1);
          await meanwhile();
        } catch (error) {
          problem = error;
        } finally {
          kill();
        }
      },
    });
    expect([code, stderr, problem]).toEqual(['SIGKILL', '', undefined]);
  } finally {
    await connection.query('rollback');
    connection.release();
  }
  await expect.poll(() => count(sessions), { timeout: 30_000 }).toBe(0);
}

test('a move whose steps are killed, made twice or taken back is begun again, and loses and doubles nothing', async () => {
  const names = (part: string) => Array.from({ length: 20 }, (_, n) => `${part}-${n}`);
  const file = join(folder.path, 'gamma.gz');
  const [move, dump] = [
    ['tenants', 'move', 'gamma', '--yes'],
    ['dump', file, '--tenant', 'gamma'],
  ];
  const restore = ['restore', file, '--tenant', 'gamma', '--resume'];
  await from.run('tenants', 'create', 'gamma');
  const addresses = await post(from, 'gamma', names('first'));
  await Promise.all([from.run(...move), from.run(...move)]);
  await killStep(from, dump);
  expect(existsSync(file)).toBe(false);
  // It stays after all, for a while.
  await from.run('tenants', 'resume', 'gamma');
  addresses.push(...(await post(from, 'gamma', names('second'))));
  await from.run(...move);
  await Promise.all([from.run(...dump), from.run(...dump)]);

  await killStep(to, restore, async () => {
    const second = await runTidings(restore, to.env);
    expect(second.stderr).toBe('tidings: another process starts, migrates or restores here; try again later\n');
  });
  expect(await to.count(`select count(*) as n from tenants where tenant_id = 'gamma'`)).toBe(0);
  await to.run(...restore);
  expect((await runTidings(restore, to.env)).stderr).toMatch(
    /^tidings: this installation has the tenant "gamma" already; nothing was restored; it was restored here: /,
  );
  await Promise.all([to.run('tenants', 'resume', 'gamma'), to.run('tenants', 'resume', 'gamma')]);
  await from.run('tenants', 'delete', 'gamma', '--yes');

  const twice = [...addresses, ...addresses].sort();
  const received = () =>
    sink
      .recipients()
      .filter((address) => address.endsWith('@gamma.example'))
      .sort();
  await expect.poll(() => received().length, { timeout: 60_000 }).toBeGreaterThanOrEqual(twice.length);
  expect(received()).toEqual(twice);
  expect(await to.count(`select count(*) as n from events where tenant_id = 'gamma'`)).toBe(addresses.length);
});
