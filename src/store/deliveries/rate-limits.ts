import type pg from 'pg';
import { boundState, countTokens, getWait, takeTokens } from '../../lib/concurrency/gcra.ts';
import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import type { RateWindow } from '../../model/rate-limit.ts';
import type { Connection } from '../pg/pool.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';
import { withTransaction } from '../pg/transaction.ts';

/** Time in ms after which PostgreSQL ends the transaction of a process that stopped with limits locked: others wait for them. */
const MAX_IDLE_MS: Millis = 2000;

/** Times that the rows of new limits are added, at most. */
const MAX_ADDED = 3;

/** Rows of limits that one statement deletes, and the most statements of one cleaning. */
const CHUNK_ROWS = 10_000;
const MAX_CHUNKS = 100;

/** One use of limits: of all of these windows together, or of none. */
export interface RateUse {
  readonly windows: readonly RateWindow[];
  /** Whether it may take the tokens that are kept for urgent messages. */
  readonly isUrgent: boolean;
}

/** Time in ms until a message may go, and the window that it waits for; null: it may go now. */
export interface RateWait {
  readonly wait: Millis;
  readonly window: RateWindow | null;
}

/**
 * Limits that are locked until the end of the transaction, by the clock of the database. What is taken counts after `save` only.
 */
export class LockedLimits {
  readonly #states: ReadonlyMap<string, { readonly now: number; takenUntil: number }>;
  readonly #changed = new Set<string>();

  private constructor(states: ReadonlyMap<string, { readonly now: number; takenUntil: number }>) {
    this.#states = states;
  }

  /** Locks windows, always in the order of their ids, so that processes do not lock each other out. */
  static async lock(connection: Connection, windows: readonly RateWindow[]): Promise<LockedLimits> {
    const ids = [...new Set(windows.map(({ id }) => id))];
    await connection.query(`set local idle_in_transaction_session_timeout = ${MAX_IDLE_MS}`);
    const select = () => connection.query<StateRow>({ name: 'lock-rate-limits', text: LOCK, values: [ids] });
    let { rows } = await select();
    // A row may be deleted right after it was found.
    for (let added = 0; rows.length < ids.length && added < MAX_ADDED; added++) {
      await connection.query({ name: 'add-rate-limits', text: ADD, values: [ids] });
      ({ rows } = await select());
    }
    const locked = new LockedLimits(
      new Map(rows.map(({ id, taken_until, now }) => [id, { now, takenUntil: taken_until }])),
    );
    for (const window of windows) locked.#bound(window);
    return locked;
  }

  /** Returns how many messages may go now. */
  count({ windows, isUrgent }: RateUse): number {
    return Math.min(
      ...windows.map((window) => {
        const { now, takenUntil } = this.#get(window);
        return countTokens(window, takenUntil, now, isUrgent);
      }),
    );
  }

  /** Returns in how many ms a message may go, and the window that it waits for longest; 0: now. */
  getWait({ windows, isUrgent }: RateUse): RateWait {
    let longest: RateWait = { wait: 0, window: null };
    for (const window of windows) {
      const { now, takenUntil } = this.#get(window);
      const wait = getWait(window, takenUntil, now, isUrgent);
      if (wait > longest.wait) longest = { wait, window };
    }
    return longest;
  }

  /** Takes the tokens of so many messages; a negative number returns them. */
  take(windows: readonly RateWindow[], count: number): void {
    for (const window of windows) {
      const state = this.#get(window);
      state.takenUntil =
        count < 0 ? state.takenUntil + count * window.interval : takeTokens(window, state.takenUntil, state.now, count);
      this.#changed.add(window.id);
    }
  }

  async save(connection: Connection): Promise<void> {
    const ids = [...this.#changed];
    if (ids.length === 0) return;
    const states = ids.map((id) => this.#states.get(id)?.takenUntil);
    await connection.query({ name: 'save-rate-limits', text: SAVE, values: [ids, states] });
  }

  #bound(window: RateWindow): void {
    const state = this.#get(window);
    const bound = boundState(window, state.takenUntil, state.now);
    if (bound === state.takenUntil) return;
    state.takenUntil = bound;
    this.#changed.add(window.id);
  }

  #get({ id }: RateWindow) {
    const state = this.#states.get(id);
    if (!state) throw new Error(`the limit ${id} is not locked`);
    return state;
  }
}

/**
 * Takes a token of each window of each use, as far as they are there. Returns for each use how long it has to wait; without a
 * wait its tokens are taken.
 */
export function takeForSends(pool: pg.Pool, uses: readonly RateUse[]): Promise<RateWait[]> {
  return withTransaction(pool, async (connection) => {
    const locked = await LockedLimits.lock(
      connection,
      uses.flatMap(({ windows }) => windows),
    );
    const waits = uses.map((use) => {
      const wait = locked.getWait(use);
      if (wait.window === null) locked.take(use.windows, 1);
      return wait;
    });
    await locked.save(connection);
    return waits;
  });
}

/** Returns the states of windows by their ids, with the clock of the database; a window that was not used lately is missing. */
export async function loadLimitStates(
  connection: Connection,
  ids: readonly string[],
): Promise<ReadonlyMap<string, { readonly takenUntil: number; readonly now: number }>> {
  const { rows } = await connection.query<StateRow>({
    name: 'load-limit-states',
    text: `select limit_id as id, taken_until, (extract(epoch from clock_timestamp()) * 1000)::float8 as now
           from rate_limits where limit_id = any($1::text[])`,
    values: [ids],
  });
  return new Map(rows.map(({ id, taken_until, now }) => [id, { takenUntil: taken_until, now }]));
}

/** Gives back a token of each of these windows; a window may be named several times. */
export function giveBackTokens(pool: pg.Pool, windows: readonly RateWindow[]): Promise<void> {
  return withTransaction(pool, async (connection) => {
    const locked = await LockedLimits.lock(connection, windows);
    locked.take(windows, -1);
    await locked.save(connection);
  });
}

/** Returns the channels on which a tenant has an account or a limit of its own. It reads all accounts, every 10 s. */
export async function loadLimitedChannels(connection: Connection): Promise<Channel[]> {
  const { rows } = await connection.query<{ channel: Channel }>({
    text: `select unnest(channels) as channel from provider_accounts where enabled
           union
           select json_object_keys(settings -> 'limits') from tenants where settings -> 'limits' is not null`,
  });
  return rows.map(({ channel }) => channel);
}

/** Deletes what is known of limits that were not used for so long that all their tokens are there again, at most 1,000,000 rows. */
export async function deleteIdleLimits(connection: Connection): Promise<void> {
  for (let chunk = 0; chunk < MAX_CHUNKS; chunk++) {
    const { rowCount } = await connection.query(DELETE_IDLE);
    if ((rowCount ?? 0) < CHUNK_ROWS) return;
  }
}

interface StateRow {
  readonly id: string;
  readonly taken_until: number;
  readonly now: number;
}

// The clock is read after each lock: otherwise a time before the wait for it would be used.
const LOCK = `
with locked as materialized (
  select limit_id, taken_until from rate_limits where limit_id = any($1::text[]) order by limit_id for update
)
select limit_id as id, taken_until, (extract(epoch from clock_timestamp()) * 1000)::float8 as now from locked`;

const ADD = `
insert into rate_limits (limit_id, taken_until) select id, 0 from unnest($1::text[]) as id order by id on conflict do nothing`;

const SAVE = `
update rate_limits as l set taken_until = s.taken_until
from unnest($1::text[], $2::float8[]) with ordinality as s(id, taken_until, n)
where l.limit_id = s.id and ${selectivityHint('s.n')}`;

const DELETE_IDLE = `
delete from rate_limits where limit_id in (
  select limit_id from rate_limits where taken_until < extract(epoch from clock_timestamp()) * 1000
  limit ${CHUNK_ROWS} for update skip locked
)`;
