import type pg from 'pg';
import { ConfigError, TidingsError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';
import { getSqlState } from './errors.ts';
import { openPool, type Timeouts } from './pool.ts';
import { findPoolMode, withLoginOf } from './pooler.ts';
import { ReplicaWatch, WrongReplica } from './replica-watch.ts';
import { prepareTenantSession } from './tenant-pool.ts';

/** The variable that has its URL. */
export const REPLICA_VARIABLE = 'TIDINGS_REPLICA_DATABASE_URL';

/** A result, and the time that it is of; null: the primary answered, as of now. */
export interface Dated<T> {
  readonly value: T;
  readonly asOf: Millis | null;
}

/** The state of a replica, for those who look at it. */
export interface ReplicaState {
  /** Time (ms) that it is behind, at most; null: it has never been reached. */
  readonly lag: Millis | null;
  /** Why the primary answers in its place; null: it answers. */
  readonly cause: string | null;
}

/** Chunk of a stream of rows. */
type Chunk = string | Buffer;

/** Reads that a replica may answer, if there is one. Each may run twice, so it only reads. */
export interface Reads {
  /** A read that may be as of some seconds ago: a sum over much, which no caller asks for to see what they have just changed. */
  lagging<T>(work: (pool: pg.Pool) => Promise<T>): Promise<Dated<T>>;
  /** A read of all that is stored when it is asked for. @param patience how long (ms) it waits for the replica to have that */
  caughtUp<T>(work: (pool: pg.Pool) => Promise<T>, patience?: Millis): Promise<Dated<T>>;
  /**
   * A stream of all that is stored when it is asked for. It has begun when this resolves, so that a database which is away is an
   * error of its own; what breaks off later is an error of the stream.
   */
  stream<T extends Chunk>(make: (pool: pg.Pool) => AsyncGenerator<T>): Promise<Dated<AsyncIterableIterator<T>>>;
}

/** Returns the reads of an installation without a replica. */
export function readsOfPrimary(pool: pg.Pool): Reads {
  return {
    lagging: async (work) => ({ value: await work(pool), asOf: null }),
    caughtUp: async (work) => ({ value: await work(pool), asOf: null }),
    stream: async (make) => ({ value: await holdBack(make(pool), 1), asOf: null }),
  };
}

export interface ReplicaOptions {
  readonly url: string;
  /** A connection of the owner to the primary, for this alone: it is asked once a second. */
  readonly primary: pg.Pool;
  /** The clock of the database. */
  readonly clock: () => Millis;
  /** Longest time (ms) that the replica may be behind to be read. */
  readonly maxLag: Millis;
  /** Connections of a login to it, at most. */
  readonly max: number;
  /** Timeouts of reads; absent: as on the primary. */
  readonly timeouts?: Partial<Timeouts>;
}

/** Time (ms) that a read which must have all that is stored waits for the replica. */
const CATCH_UP_MS: Millis = 1000;
/** Characters or bytes of a stream that are held back: up to then, the primary can begin it again. */
const HELD_SIZE = 1024 * 1024;
const SQLSTATE_TIMED_OUT = '57014';

/**
 * A streaming replica of the database, and the one place that chooses between it and the primary. A read goes to the replica if that
 * is at most `maxLag` behind. If it fails there for whatever reason of the database (the replica is away, was stopped, cancels
 * what conflicts with its replay, or does not have a role or a table yet), it runs once more on the primary. What runs when the
 * replica stops answering is cut off within some seconds, and does the same.
 */
export class Replica {
  readonly #options: ReplicaOptions;
  readonly #watch: ReplicaWatch;
  readonly #pools = new Map<string, pg.Pool>();
  readonly #connections = new Set<pg.PoolClient>();
  #isPooled: boolean | undefined;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    const isPooled = () => this.#isPooled ?? false;
    this.#watch = new ReplicaWatch({ ...options, isPooled, onLost: () => this.#cutOff() });
  }

  /**
   * Looks at the replica for the first time, and then once a second. One that is away is no error.
   * @throws ConfigError if it is of another database, or behind a pooler that loses settings
   */
  async start(): Promise<void> {
    await this.#findPoolMode();
    const problem = await this.#watch.start();
    if (problem instanceof WrongReplica && problem.isMisconfigured)
      throw new ConfigError(`${REPLICA_VARIABLE} ${problem.message}`);
  }

  async stop(): Promise<void> {
    await this.#watch.stop();
    await Promise.all([...this.#pools.values()].map((pool) => pool.end()));
  }

  get state(): ReplicaState {
    const { asOf } = this.#watch;
    const lag = asOf === null ? null : Math.max(0, this.#options.clock() - asOf);
    return { lag, cause: this.#findCause(lag) };
  }

  /**
   * Returns the reads of a caller.
   * @param primary what the caller's reads go to without a replica
   * @param open returns the same for the replica
   */
  reads(primary: pg.Pool, open: () => pg.Pool): Reads {
    const login = { primary, open };
    return {
      lagging: (work) => this.#run(login, this.#watch.asOf, work),
      caughtUp: async (work, patience = CATCH_UP_MS) => this.#run(login, await this.#catchUp(patience), work),
      // Its beginning is held back as long as the primary could begin it again.
      stream: async (make) =>
        this.#run(login, await this.#catchUp(CATCH_UP_MS), (pool) =>
          holdBack(make(pool), pool === primary ? 1 : HELD_SIZE),
        ),
    };
  }

  /** Returns the connections of the login of the URL: the owner of the database, as it is on the primary. */
  openOwner(): pg.Pool {
    return this.#open(this.#options.url, 'tidings replica');
  }

  /** Returns the connections of the API login, for which row-level security holds: roles and policies are those of the primary. */
  openRequests(login: string, role: string): pg.Pool {
    return this.#open(withLoginOf(this.#options.url, login), 'tidings requests', async (session) => {
      await prepareTenantSession(session);
      const { rows } = await session.query<{ is: boolean }>('select current_user = $1 as is', [role]);
      if (!rows[0]?.is) throw new Error('the replica has another role for the login of the API');
    });
  }

  async #run<T>(
    login: { readonly primary: pg.Pool; readonly open: () => pg.Pool },
    asOf: Millis | null,
    work: (pool: pg.Pool) => Promise<T>,
  ): Promise<Dated<T>> {
    if (asOf !== null && this.#findCause(this.#options.clock() - asOf) === null) {
      try {
        if (this.#isPooled === undefined) await this.#findPoolMode();
        return { value: await work(login.open()), asOf };
      } catch (error) {
        // A statement that takes too long there takes too long here.
        if (error instanceof TidingsError || getSqlState(error) === SQLSTATE_TIMED_OUT) throw error;
      }
    }
    return { value: await work(login.primary), asOf: null };
  }

  /** Returns the time at which the replica had all that the primary has; null: it does not get there in time. */
  async #catchUp(patience: Millis): Promise<Millis | null> {
    const { cause, lag } = this.state;
    // One that is not read needs no question.
    if (cause !== null || lag === null) return null;
    return this.#watch.catchUp(patience).catch(() => null);
  }

  #findCause(lag: Millis | null): string | null {
    const { problem } = this.#watch;
    if (problem !== null)
      return problem instanceof WrongReplica ? `${REPLICA_VARIABLE} ${problem.message}` : problem.message;
    const { maxLag } = this.#options;
    if (lag === null) return 'it has replayed nothing yet that is known here';
    if (lag <= maxLag) return null;
    return `it is ${Math.round(lag / 1000)} s behind, and may be ${Math.round(maxLag / 1000)} s`;
  }

  #open(url: string, name: string, prepare?: (session: pg.ClientBase) => Promise<void>): pg.Pool {
    const opened = this.#pools.get(url);
    if (opened) return opened;
    const { max, timeouts = {} } = this.#options;
    const pool = openPool(url, { max, name, timeouts, isPooled: this.#isPooled ?? false, ...(prepare && { prepare }) });
    pool.on('connect', (connection) => this.#connections.add(connection));
    pool.on('remove', (connection) => this.#connections.delete(connection));
    this.#pools.set(url, pool);
    return pool;
  }

  /** Ends what waits for a replica that does not answer. */
  #cutOff(): void {
    for (const connection of this.#connections) {
      (connection as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    }
    this.#connections.clear();
  }

  /** @throws ConfigError for a pooler in statement mode */
  async #findPoolMode(): Promise<void> {
    try {
      this.#isPooled = (await findPoolMode(this.#options.url, REPLICA_VARIABLE)) === 'transaction';
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      // It is away: asked again at the first read.
    }
  }
}

/** Reads the beginning of a stream. Returns it with the rest; if that is not read to its end, its source is closed. */
async function holdBack<T extends Chunk>(source: AsyncGenerator<T>, size: number): Promise<AsyncIterableIterator<T>> {
  const held: T[] = [];
  for (let taken = 0; taken < size; ) {
    const next = await source.next();
    if (next.done) break;
    held.push(next.value);
    taken += next.value.length;
  }
  const whole: AsyncIterableIterator<T> = {
    [Symbol.asyncIterator]: () => whole,
    async next() {
      const first = held.shift();
      return first === undefined ? source.next() : { done: false, value: first };
    },
    return: () => source.return(undefined),
  };
  return whole;
}
