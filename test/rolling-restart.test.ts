import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { afterEach, expect, test, vi } from 'vitest';
import { Tidings } from '../packages/client/src/tidings.ts';
import { ROOT_KEY } from './support/api-keys.ts';
import { type Balancer, startBalancer } from './support/balancer.ts';
import { useCatalogProcesses } from './support/catalog-processes.ts';
import { type MailSink, mailSink } from './support/mailsink.ts';

/**
 * API and worker processes behind a load balancer are started, stopped, killed and upgraded one after another while a client with
 * retries uses them: it sees no error, each event is decided once, and each message is sent once.
 */

vi.setConfig({ testTimeout: 300_000 });

const CATALOG = [
  ['events.yaml', 'events: { came: {} }\ntraits: { email: string }\n'],
  [
    'notifications.yaml',
    'notifications: { MAIL: { category: TRANSACTIONAL, channels: [email] }, SENT: { category: TRANSACTIONAL, channels: [email] } }\n',
  ],
  ['rules.yaml', 'rules: { MAIL: { on: came } }\n'],
  ...['MAIL', 'SENT'].flatMap((type) => [
    [`templates/${type}/email.en.subject.txt`, type] as const,
    [`templates/${type}/email.en.html`, '<p>Hello</p>'] as const,
  ]),
] as const;

/** A schema file as the next minor version might have it, and these programs do not know. */
const NEXT_MINOR = `alter table notifications add column of_next_version text; alter table users add column of_next_version jsonb default '{}';
  create table of_next_version (tenant_id text not null primary key); insert into migrations (file, hash) values ('000002.sql', 'x')`;

/** Changes the tables under load, again if that meets transactions which hold them in another order. */
async function upgradeSchema(pool: pg.Pool): Promise<void> {
  for (;;) {
    try {
      await pool.query(NEXT_MINOR);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== '40P01') throw error;
    }
  }
}

const prepare = useCatalogProcesses();
let sink: MailSink;
let balancer: Balancer;
afterEach(async () => {
  await balancer?.close();
  await sink?.close();
});

test('no error reaches a client, nothing is decided twice, and no message is lost', async () => {
  sink = await mailSink();
  balancer = await startBalancer();
  const { database, start } = await prepare({
    catalog: CATALOG,
    leaseMs: 3000,
    env: {
      SMTP_URL: sink.url,
      TIDINGS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      TIDINGS_API_KEYS: ROOT_KEY,
      TIDINGS_LOG_LEVEL: 'warn',
    },
  });
  const run = async (command: 'api' | 'workers') => {
    const started = await start(command, database.url, { TIDINGS_API_DATABASE_URL: database.apiUrl });
    if (started.url !== null) balancer.add(started.url);
    return started.program;
  };
  const apis = await Promise.all([run('api'), run('api')]);
  const workers = await Promise.all([run('workers'), run('workers')]);

  const tidings = new Tidings({ baseUrl: balancer.url, apiKey: ROOT_KEY, maxRetries: 8 });
  let isOver = false;
  const posted: string[] = [];
  const asked: string[] = [];
  const errors: unknown[] = [];
  const lane = async (name: number) => {
    for (let n = 0; !isOver; n++) {
      const user = `u${name}-${n}`;
      const email = `${user}@example.com`;
      try {
        const event = { event_id: user, user_id: user, event_type: 'came', user_traits: { email } };
        const { accepted, duplicates } = await tidings.events.send([
          { ...event, event_timestamp: new Date().toISOString() },
        ]);
        expect(accepted + duplicates).toBe(1);
        posted.push(email);
        if (n % 4 === 0) {
          await tidings.notifications.send({ type: 'SENT', recipients: [{ user_id: user }] });
          asked.push(email);
          await tidings.users.get(user);
        }
      } catch (error) {
        errors.push(error);
      }
      await pause(60);
    }
  };
  const lanes = Promise.all([0, 1, 2, 3].map(lane));
  const progress = async () => {
    const before = posted.length;
    await expect.poll(() => posted.length, { timeout: 30_000 }).toBeGreaterThan(before + 15);
  };

  await progress();
  // Upgraded: the schema first, then the processes one after the other; each new one is there before an old one goes.
  await upgradeSchema(database.pool);
  await progress();
  for (const [kind, before] of [
    ['api', apis],
    ['workers', workers],
  ] as const) {
    const [stopped, killed] = before;
    const first = await run(kind);
    stopped?.kill('SIGTERM');
    expect(await stopped?.ended).toBe(0);
    await progress();
    const second = await run(kind);
    killed?.kill('SIGKILL');
    await progress();
    expect([first.over, second.over]).toEqual([false, false]);
  }
  isOver = true;
  await lanes;

  expect(errors).toEqual([]);
  // Connections that go on stay where they are; those of a process that has ended go to the others.
  expect(balancer.served.size).toBeGreaterThanOrEqual(3);
  const { rows } = await database.pool.query<{ events: number; once: boolean }>(
    `select count(*)::int as events, bool_and(n = 1) as once from (
       select count(*) as n from events where event_type = 'came' group by event_id) as each_event`,
  );
  expect(rows[0]).toEqual({ events: posted.length, once: true });
  const open = `select count(*)::int as open from deliveries where finished_at is null`;
  await expect
    .poll(async () => (await database.pool.query<{ open: number }>(open)).rows[0]?.open, { timeout: 30_000 })
    .toBe(0);
  const made = await database.pool.query(
    'select notification_type as type, count(*)::int as n from notifications group by 1 order by 1',
  );
  expect(made.rows).toEqual([
    { type: 'MAIL', n: posted.length },
    { type: 'SENT', n: asked.length },
  ]);
  // A worker that is killed between the message and its record leaves it in doubt: that one may come twice.
  const doubted = await database.pool.query<{ n: number }>(
    `select count(distinct notification_id)::int as n from attempts where outcome = 'in_doubt' or reason like '%in doubt%'`,
  );
  const sent = sink.recipients().length - posted.length - asked.length;
  expect(sent).toBeGreaterThanOrEqual(0);
  expect(sent).toBeLessThanOrEqual(doubted.rows[0]?.n ?? 0);
  expect(new Set(sink.recipients())).toEqual(new Set(posted));
});
