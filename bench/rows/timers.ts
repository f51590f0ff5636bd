import type { CatalogData, Rule } from '../../src/model/catalog.ts';
import { DEFAULT_TENANT } from '../../src/model/event.ts';
import { systemActor } from '../../src/model/principal.ts';
import { applyCatalog } from '../../src/store/apply-catalog.ts';
import { makeEvents, makeSignups } from '../events.ts';
import { bareQueue } from '../limits.ts';
import { type Row, rate } from '../row.ts';
import { type Database, type Setup, withTidings } from '../setup.ts';
import { ingestAll } from './batch.ts';

/** Everything that waits is due: claim, load, decide, plan, write; one worker. */
export const timersRow: Row = {
  id: 'timers',
  name: 'timers fired, each with a notification',
  unit: 'timers/s',
  against: 'bare claim-and-delete, 2 connections',
  direction: 'higher',
  atLeast: 0.05,
  goal: 0.1,
  async measure(setup) {
    const traffic = setup.traffic(20_000);
    const limit = await bareQueue(setup, traffic.count);
    const value = await setup.withDatabase((database) =>
      withWaits(setup, database, async (tidings) => {
        await ingestAll(tidings, database, makeSignups(traffic));
        await database.pool.query(`update waits set due_at = trigger_time where status = 'waiting'`);
        await database.pool.query('vacuum (analyze) waits');
        const fired = await rate(traffic.count, async () => {
          await tidings.fireTimers();
          await allFired(database);
        });
        const { rows } = await database.pool.query<{ n: number }>('select count(*) as n from notifications');
        if (rows[0]?.n !== 2 * traffic.count)
          throw new Error(`${traffic.count} timers made ${rows[0]?.n} notifications`);
        return fired;
      }),
    );
    return { value, limit };
  },
};

/** A million others wait meanwhile: it must not cost those who do something now. */
export const pendingRow: Row = {
  id: 'pending',
  name: 'events decided and stored while 10 times as many waits are pending',
  unit: 'events/s',
  against: 'the same with none pending',
  direction: 'higher',
  atLeast: 0.85,
  goal: 1,
  async measure(setup) {
    const limit = await ingested(setup, 0);
    const value = await ingested(setup, 10);
    return { value, limit };
  },
};

function ingested(setup: Setup, waitsAnEvent: number): Promise<number> {
  const events = makeEvents(setup.traffic());
  return setup.withDatabase((database) =>
    withWaits(setup, database, async (tidings) => {
      await fillWaits(database, waitsAnEvent * events.length);
      return rate(events.length, () => ingestAll(tidings, database, events));
    }),
  );
}

/** The welcome once more, a year later. */
async function withWaits<T>(
  { catalog }: Setup,
  database: Database,
  work: Parameters<typeof withTidings<T>>[1],
): Promise<T> {
  const welcome = catalog.rules.find(({ name }) => name === 'WELCOME_EMAIL') as Rule;
  const later: Rule = {
    ...welcome,
    name: 'WELCOME_AGAIN',
    delay: { span: 360 * 86_400_000, text: '360d' },
    limits: [],
    notify: ['WELCOME_EMAIL'],
  };
  const data: CatalogData = { ...catalog, rules: [...catalog.rules, later] };
  await applyCatalog(database.pool, DEFAULT_TENANT, data, systemActor('bench'), Date.now());
  return withTidings(database, work);
}

/** Waits of users between those of the traffic (by ID, the order of the indexes), one each, due over the next year. */
async function fillWaits({ pool }: Database, count: number): Promise<void> {
  const trigger = {
    key: '',
    eventId: 'e',
    type: 'signup_completed',
    properties: { signup_method: 'email' },
    traits: {},
  };
  await pool.query(
    `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at,
                        began_at, state)
     select $1, 'u_' || n || '.', gen_random_uuid(), 'WELCOME_AGAIN', '', 'delay', 2, 'waiting', now(),
            now() + interval '1 day' + abs(hashint8(n) % 31536000) * interval '1 second', now(), $3
     from generate_series(1, $2::int) as n`,
    [DEFAULT_TENANT, count, JSON.stringify({ trigger })],
  );
  await pool.query('vacuum (analyze) waits');
}

/** Resolves when nothing that is due waits. */
async function allFired({ pool }: Database): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ left: boolean }>(
      `select exists (select from waits where status = 'waiting' and due_at <= now()) as left`,
    );
    if (!rows[0]?.left) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
