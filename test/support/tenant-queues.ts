import type pg from 'pg';
import { claimOutbox, createOutboxLanes } from '../../src/store/outbox.ts';
import { openPool } from '../../src/store/pg/pool.ts';
import type { QueueLanes } from '../../src/store/pg/queue-lanes.ts';
import { claimSchedule, createScheduleLanes } from '../../src/store/waits/schedules.ts';
import { claimDueWaits, createWaitLanes } from '../../src/store/waits/waits.ts';
import type { TestDatabase } from './database.ts';

/** The queues of all tenants that are claimed by turns, with rows of several tenants; each claimed the way its worker does. */

const LEASE_MS = 60_000;

interface TenantQueue {
  /** Inserts rows of tenants; `$1`: the tenants, `$2`: rows of each, `$3`: due time, `$4`: a prefix that no other rows have. */
  readonly insert: string;
  readonly table: string;
  createLanes(): QueueLanes;
  /** Returns the tenants of the rows that were claimed. */
  claim(pool: pg.Pool, now: number, limit: number, lanes: QueueLanes): Promise<string[]>;
}

const FROM = 'from unnest($1::text[]) as t(tenant), generate_series(1, $2::int) as n';

export const TENANT_QUEUES: { readonly [name: string]: TenantQueue } = {
  waits: {
    insert: `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at,
               began_at, state)
             select tenant, $4 || n, gen_random_uuid(), 'R', '', 'delay', 1, 'waiting', now(), $3::timestamptz, now(), '{}' ${FROM}`,
    table: 'waits',
    createLanes: createWaitLanes,
    async claim(pool, now, limit, lanes) {
      const users = await claimDueWaits(pool, now, now + LEASE_MS, limit, lanes);
      return users.map(({ tenantId }) => tenantId);
    },
  },
  schedules: {
    insert: `insert into schedules (tenant_id, rule, zone, cron, next_at)
             select tenant, $4 || n, 'UTC', '* * * * *', $3::timestamptz ${FROM}`,
    table: 'schedules',
    createLanes: createScheduleLanes,
    async claim(pool, now, limit, lanes) {
      const claimed: string[] = [];
      while (claimed.length < limit) {
        const schedule = await claimSchedule(pool, now, now + LEASE_MS, lanes);
        if (!schedule) break;
        claimed.push(schedule.tenantId);
      }
      return claimed;
    },
  },
  'lifecycle events': {
    insert: `insert into outbox_events (tenant_id, user_id, event_id, event, due_at)
             select tenant, 'u', $4 || n, '{}', $3::timestamptz ${FROM}`,
    table: 'outbox_events',
    createLanes: createOutboxLanes,
    async claim(pool, now, limit, lanes) {
      const events = await claimOutbox(pool, now, now + LEASE_MS, limit, lanes);
      return events.map(({ tenantId }) => tenantId);
    },
  },
};

interface ReadCounts {
  /** Entries of the index in order of due time. */
  readonly ordered: number;
  /** Entries of the index by tenant. */
  readonly lanes: number;
  /** Scans of the index by tenant. */
  readonly laneScans: number;
}

/** One queue of a database, as several processes claim from it. */
export class TenantQueueUnderTest {
  readonly #pool: pg.Pool;
  readonly #queue: TenantQueue;
  readonly #lanes = new Map<string, QueueLanes>();
  #added = 0;

  constructor(database: TestDatabase, name: string) {
    this.#pool = openPool(database.url, { max: 1, name: 'queue' });
    this.#queue = TENANT_QUEUES[name] as TenantQueue;
  }

  /** Adds rows of each of these tenants, which are created if they do not exist. */
  async add(tenants: readonly string[], count: number, dueAt: number): Promise<void> {
    await this.#pool.query(
      'insert into tenants (tenant_id, name) select t, t from unnest($1::text[]) as t on conflict do nothing',
      [tenants],
    );
    await this.#pool.query(this.#queue.insert, [tenants, count, new Date(dueAt).toISOString(), `${++this.#added} `]);
  }

  /** Claims as this process; returns the tenants of what was claimed. */
  claim(now: number, limit: number, process = ''): Promise<string[]> {
    return this.#queue.claim(this.#pool, now, limit, this.lanesOf(process));
  }

  /** Floor and lanes of the queue, as a process knows them. */
  lanesOf(process = ''): QueueLanes {
    const lanes = this.#lanes.get(process) ?? this.#queue.createLanes();
    this.#lanes.set(process, lanes);
    return lanes;
  }

  /** Ends what is claimed. */
  async finish(): Promise<void> {
    await this.#pool.query(`delete from ${this.#queue.table} where claimed_until is not null`);
  }

  /** Returns what `work` reads of the queue's indexes. */
  async countRead(work: () => Promise<unknown>): Promise<ReadCounts> {
    const before = await this.#read();
    await work();
    const after = await this.#read();
    return {
      ordered: after.ordered - before.ordered,
      lanes: after.lanes - before.lanes,
      laneScans: after.laneScans - before.laneScans,
    };
  }

  async run(sql: string): Promise<void> {
    await this.#pool.query(sql);
  }

  get isOpen(): boolean {
    return !this.#pool.ended;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #read(): Promise<ReadCounts> {
    await this.#pool.query('select pg_stat_force_next_flush()');
    const { rows } = await this.#pool.query(
      `select coalesce(sum(idx_tup_read) filter (where indexrelname like '%\\_due'), 0)::int as ordered,
              coalesce(sum(idx_tup_read) filter (where indexrelname like '%\\_lanes'), 0)::int as lanes,
              coalesce(sum(idx_scan) filter (where indexrelname like '%\\_lanes'), 0)::int as "laneScans"
       from pg_stat_user_indexes where relname = $1`,
      [this.#queue.table],
    );
    return rows[0];
  }
}
