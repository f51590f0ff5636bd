import { randomBytes } from 'node:crypto';
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
const prepare = useCatalogProcesses();
let sink: MailSink;
let folder: { path: string; remove: () => Promise<void> };

beforeAll(async () => {
  sink = await mailSink();
  folder = await temporaryFolder();
});
afterAll(async () => {
  await sink.close();
  await folder.remove();
});

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
  return { database, url: String(url), run };
}

test('a tenant moves to another installation while it is used', async () => {
  const [from, to] = [await startCell(), await startCell()];
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

test('one that cannot move after all goes on where it was', async () => {
  const cell = await startCell();
  await cell.run('tenants', 'create', 'beta');
  await cell.run('tenants', 'move', 'beta', '--yes');
  await cell.run('tenants', 'resume', 'beta');
  const answer = await fetch(`${cell.url}/api/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${ROOT_KEY}`,
      'x-tidings-tenant': 'beta',
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      user_id: 'u',
      event_type: 'came',
      event_timestamp: new Date().toISOString(),
      user_traits: { email: 'beta@example.com' },
    }),
  });
  expect(answer.status).toBe(202);
  await expect.poll(() => sink.recipients().includes('beta@example.com')).toBe(true);
});
