import pg from 'pg';
import { claimDeliveries } from '../../src/store/deliveries/claim.ts';
import { loadNextDueDelivery } from '../../src/store/deliveries/delivery-queue.ts';
import { claimOutbox } from '../../src/store/outbox.ts';
import { openPool } from '../../src/store/pg/pool.ts';
import { QueueFloor } from '../../src/store/pg/queue-floor.ts';
import { claimSchedule, loadNextScheduleDue } from '../../src/store/waits/schedules.ts';
import { claimDueWaits, loadNextWaitDue } from '../../src/store/waits/waits.ts';
import type { TestDatabase } from './database.ts';

/** The four queues, each claimed the way its worker does, on one connection that counts what is read. */

const LEASE_MS = 60_000;

interface Queue {
  /** Inserts rows that are due at this time; `$1`: first number, `$2`: last number, `$3`: due time. */
  readonly insert: string;
  /** Ends what is claimed. */
  readonly finish: string;
  /** Names of the indexes of the queue. */
  readonly index: string;
  claim(pool: pg.Pool, now: number, limit: number, floor?: QueueFloor): Promise<number>;
  nextDue?(pool: pg.Pool, floor?: QueueFloor): Promise<number | null>;
}

export const QUEUES: { readonly [name: string]: Queue } = {
  deliveries: {
    insert: `with made as (
               insert into notifications (tenant_id, user_id, notification_id, notification_type, category, rule, decision_id,
                 event_id, catalog_version, data, created_at)
               select 't', 'u', gen_random_uuid(), 'N', 'C', 'R', n::text, 'e', 1, '{}', now() from generate_series($1::int, $2::int) as n
               returning notification_id
             )
             insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, due_at, retry_until,
               in_doubt_policy, created_at)
             select 't', notification_id, 'email', 'u', 'N', $3::timestamptz, 'infinity', 'resend', now() from made`,
    finish: `update deliveries set status = 'sent', finished_at = now() where finished_at is null and status = 'sending'`,
    index: '^deliveries_.*_channel_due_at_idx$',
    async claim(pool, now, count, floor) {
      return (
        await claimDeliveries(pool, 'w', [{ channel: 'email', count, ...(floor ? { floor } : {}) }], now, LEASE_MS)
      ).length;
    },
    nextDue: (pool, floor) => loadNextDueDelivery(pool, ['email'], floor && new Map([['email', floor]])),
  },
  waits: {
    insert: `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at,
               began_at, state)
             select 't', 'user ' || n, gen_random_uuid(), 'R', '', 'delay', 1, 'waiting', now(), $3::timestamptz, now(), '{}'
             from generate_series($1::int, $2::int) as n`,
    finish: `update waits set status = 'fired', ended_at = now(), claimed_until = null where claimed_until is not null`,
    index: '^waits_due$',
    async claim(pool, now, limit, floor) {
      return (await claimDueWaits(pool, now, now + LEASE_MS, limit, floor)).length;
    },
    nextDue: loadNextWaitDue,
  },
  schedules: {
    insert: `insert into schedules (tenant_id, rule, zone, cron, next_at)
             select 't', 'rule ' || n, 'UTC', '* * * * *', $3::timestamptz from generate_series($1::int, $2::int) as n`,
    finish: `delete from schedules where claimed_until is not null`,
    index: '^schedules_due$',
    async claim(pool, now, limit, floor) {
      let claimed = 0;
      while (claimed < limit && (await claimSchedule(pool, now, now + LEASE_MS, floor))) claimed++;
      return claimed;
    },
    nextDue: loadNextScheduleDue,
  },
  'lifecycle events': {
    insert: `insert into outbox_events (tenant_id, user_id, event_id, event, due_at)
             select 't', 'u', n::text || $3::text, '{}', $3::timestamptz from generate_series($1::int, $2::int) as n`,
    finish: `delete from outbox_events where claimed_until is not null`,
    index: '^outbox_events_due$',
    async claim(pool, now, limit, floor) {
      return (await claimOutbox(pool, now, now + LEASE_MS, limit, floor)).length;
    },
  },
};

/** One queue of a database, with the floor of one process. */
export class QueueUnderTest {
  readonly floor = new QueueFloor();
  readonly #pool: pg.Pool;
  readonly #queue: Queue;
  readonly #snapshot: pg.Client;

  constructor(database: TestDatabase, queue: Queue) {
    this.#pool = openPool(database.url, { max: 1, name: 'queue' });
    this.#snapshot = new pg.Client({ connectionString: database.url });
    this.#queue = queue;
  }

  /** Holds a snapshot, as a dump does, until `close`. */
  async holdSnapshot(): Promise<void> {
    await this.#snapshot.connect();
    await this.#snapshot.query('begin isolation level repeatable read; select count(*) from users');
  }

  async add(from: number, to: number, dueAt: number): Promise<void> {
    await this.#pool.query(this.#queue.insert, [from, to, new Date(dueAt).toISOString()]);
  }

  claim(now: number, limit = 500): Promise<number> {
    return this.#queue.claim(this.#pool, now, limit, this.floor);
  }

  nextDue(): Promise<number | null> {
    return this.#queue.nextDue?.(this.#pool, this.floor) ?? Promise.resolve(null);
  }

  async finish(): Promise<void> {
    await this.#pool.query(this.#queue.finish);
  }

  /** Returns how many entries of the queue's index `work` reads. */
  async countRead(work: () => Promise<unknown>): Promise<number> {
    const before = await this.#entriesRead();
    await work();
    return (await this.#entriesRead()) - before;
  }

  async close(): Promise<void> {
    await this.#snapshot.end();
    await this.#pool.end();
  }

  async #entriesRead(): Promise<number> {
    await this.#pool.query('select pg_stat_force_next_flush()');
    const { rows } = await this.#pool.query(
      'select coalesce(sum(idx_tup_read), 0) as read from pg_stat_user_indexes where indexrelname ~ $1',
      [this.#queue.index],
    );
    return Number(rows[0].read);
  }
}
