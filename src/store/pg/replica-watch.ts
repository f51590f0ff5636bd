import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { getSqlState, isUnreachable } from './errors.ts';
import { openPool } from './pool.ts';
import { findLostSettings } from './session.ts';

const INTERVAL_MS: Millis = 1000;
const CATCH_UP_PAUSE_MS: Millis = 20;
/** Samples of the primary that are kept: of a replica that stands still, each second one is dropped when there are more. */
const MAX_SAMPLES = 1000;
const TIMEOUTS = { query: 2500, statement: 2000, lock: 2000, idleInTransaction: 2000 };

/** The server is there, and cannot be read: its message goes on after the name of the variable. */
export class WrongReplica extends Error {
  /** Whether only a change of the settings helps. One that was promoted is repaired without a restart. */
  readonly isMisconfigured: boolean;

  constructor(message: string, isMisconfigured: boolean) {
    super(message);
    this.isMisconfigured = isMisconfigured;
  }
}

export interface WatchOptions {
  readonly url: string;
  readonly primary: pg.Pool;
  /** Whether it leads to a pooler in transaction mode. */
  readonly isPooled: () => boolean;
  /** Called when the replica is no longer to be read. */
  readonly onLost: () => void;
}

/** A position in the log of the primary, and a time at which all that had been committed was before it. */
interface Sample {
  readonly time: Millis;
  readonly position: bigint;
}

/**
 * Follows how far a replica is: once a second it asks the primary how far its log is, and the replica how far it has replayed it.
 * The time of the last position that it has passed is the time that it is of, at least: so one that is cut off from its primary, or
 * stands still, is seen to fall behind, and one whose primary has nothing to do is not.
 */
export class ReplicaWatch {
  readonly #options: WatchOptions;
  readonly #pool: pg.Pool;
  #samples: Sample[] = [];
  /** Identity of the primary, since it was last asked. */
  #identity: Identity | undefined;
  #asOf: Millis | null = null;
  #problem: Error | null = null;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    // Prepared as for a pooler, which may be one: nothing but its own queries is asked here.
    this.#pool = openPool(options.url, { max: 2, name: 'tidings replica watch', timeouts: TIMEOUTS, isPooled: true });
  }

  /** The time that the replica is of, at least, by the clock of the primary; null: not known. */
  get asOf(): Millis | null {
    return this.#asOf;
  }

  /** Why the replica cannot be read; null: it can. */
  get problem(): Error | null {
    return this.#problem;
  }

  /** Resolves after the first look, with what was wrong. */
  async start(): Promise<Error | null> {
    await this.#look();
    this.#schedule();
    return this.#problem;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    await this.#pool.end();
  }

  /** Waits until the replica has what the primary has now. Returns the time of now; null: it takes too long. */
  async catchUp(patience: Millis): Promise<Millis | null> {
    const until = performance.now() + patience;
    const { time, position } = await this.#ask();
    while ((await this.#replayed()) < position) {
      if (performance.now() > until || this.#problem) return null;
      await pause(CATCH_UP_PAUSE_MS);
    }
    return time;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#look().finally(() => this.#schedule());
    }, INTERVAL_MS).unref();
  }

  async #look(): Promise<void> {
    // Without the primary there is no newer time, so the replica falls behind.
    const sample = await this.#ask().catch(() => null);
    if (sample) this.#samples.push(sample);
    try {
      const replayed = await this.#replayed();
      const passed = this.#samples.filter(({ position }) => position <= replayed).at(-1);
      if (passed) {
        this.#asOf = passed.time;
        this.#samples = this.#samples.filter(({ position }) => position > replayed);
      }
      this.#problem = null;
    } catch (error) {
      const wasRead = this.#problem === null;
      this.#problem = error instanceof WrongReplica ? error : new Error(describe(error));
      if (error instanceof WrongReplica) this.#asOf = null;
      if (wasRead) this.#options.onLost();
    }
    if (this.#samples.length > MAX_SAMPLES) this.#samples = this.#samples.filter((_, index) => index % 2 === 0);
  }

  async #ask(): Promise<Sample> {
    const { rows } = await this.#options.primary.query<Identity & { now: Millis; lsn: string }>(
      `select clock_timestamp() as now, pg_current_wal_lsn()::text as lsn, ${IDENTITY}`,
    );
    const { now, lsn, system, database } = rows[0] as Identity & { now: Millis; lsn: string };
    this.#identity = { system, database };
    return { time: now, position: toPosition(lsn) };
  }

  /** Returns how far the replica has replayed. @throws WrongReplica */
  async #replayed(): Promise<bigint> {
    const { rows } = await this.#pool.query<Identity & { standby: boolean; lsn: string | null }>(
      `select pg_is_in_recovery() as standby, pg_last_wal_replay_lsn()::text as lsn, ${IDENTITY}`,
    );
    const { standby, lsn, system, database } = rows[0] as (typeof rows)[number];
    const own = this.#identity;
    if (own && (own.system !== system || own.database !== database)) throw new WrongReplica(OTHER, true);
    if (!standby) throw new WrongReplica(NO_STANDBY, false);
    if (lsn === null) throw new WrongReplica(NO_STREAM, false);
    if (this.#options.isPooled() && (await findLostSettings(this.#pool)).length > 0)
      throw new WrongReplica(NO_SETTINGS, true);
    return toPosition(lsn);
  }
}

interface Identity {
  readonly system: string;
  readonly database: string;
}

const IDENTITY = `(select system_identifier::text from pg_control_system()) as system,
  (select oid::text from pg_database where datname = current_database()) as database`;

const OTHER =
  'leads to another database than DATABASE_URL: a replica is a copy of the whole server by streaming replication';
const NO_STANDBY =
  'leads to a server that accepts writes, so it is no replica of DATABASE_URL: it is the primary itself, or was promoted';
const NO_SETTINGS =
  'leads to a connection pooler whose server connections lack the settings of their role: use its session mode, or set ' +
  'TIDINGS_DIRECT_DATABASE_URL, with which the roles get them, and have the pooler open its connections again';
const NO_STREAM = 'leads to a standby that replays no log';

/** Returns a position as a number: `16/B374D848` is two halves of 32 bits. */
function toPosition(lsn: string): bigint {
  const [high = '0', low = '0'] = lsn.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** Says why by the code alone: a message may name hosts and users. */
function describe(error: unknown): string {
  return isUnreachable(error) ? 'it does not answer' : `it cannot be asked (${getSqlState(error)})`;
}
