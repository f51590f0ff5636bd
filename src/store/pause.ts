import type { Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import { deleteFact, loadFact, saveFact } from './metadata.ts';
import type { Connection } from './pg/pool.ts';

/** The state of a database that was restored: no worker sends or fires anything until an operator resumes it. */
export interface Pause {
  /** When it was restored. */
  readonly since: string;
  /** Time of the snapshot: after this, the dumped installation may have sent what is open here. */
  readonly dumped_at: string;
  /** The latest creation of a delivery that was open in the dump, or the time of the snapshot if that is later. */
  readonly open_until: string;
}

const PAUSED = 'paused';

/** Keeps the workers of all processes that start later from working, until `resumeWorkers`. */
export async function pauseWorkers(connection: Connection, pause: Omit<Pause, 'open_until'>): Promise<void> {
  // The clocks of the processes that created them may have been ahead of that of the database.
  const { rows } = await connection.query<{ until: Millis }>(
    'select greatest($1::timestamptz, (select max(created_at) from deliveries where finished_at is null)) as until',
    [pause.dumped_at],
  );
  const open_until = isoTime(rows[0]?.until ?? Date.parse(pause.dumped_at));
  await saveFact(connection, PAUSED, JSON.stringify({ ...pause, open_until } satisfies Pause));
}

/** Returns the pause; undefined if the workers may work. */
export async function loadPause(connection: Pick<Connection, 'query'>): Promise<Pause | undefined> {
  const value = await loadFact(connection, PAUSED);
  return value === undefined ? undefined : (JSON.parse(value) as Pause);
}

/**
 * - `by_type`: as after a crash; the `in_doubt` of the notification type decides.
 * - `hold`: none is sent until it is retried by hand.
 * - `send`: each is sent.
 */
export type OpenDeliveries = 'by_type' | 'hold' | 'send';

/** The result of a resume. */
export interface Resumed {
  /** Open deliveries that are now `in_doubt`. */
  readonly held: number;
  /** Open deliveries of the dump that are sent. */
  readonly released: number;
}

/**
 * Ends the pause, in the transaction of the caller, and decides about the deliveries that were open in the dump. Returns
 * undefined if there is no pause.
 */
export async function resumeWorkers(
  connection: Connection,
  open: OpenDeliveries,
  now: Millis,
): Promise<Resumed | undefined> {
  await connection.query('select from metadata where name = $1 for update', [PAUSED]);
  const pause = await loadPause(connection);
  if (!pause) return undefined;
  const held = await holdOpenDeliveries(connection, { dumpedAt: pause.dumped_at, until: pause.open_until, open }, now);
  const { rows } = await connection.query<{ count: number }>(
    'select count(*) as count from deliveries where finished_at is null and created_at <= $1',
    [pause.open_until],
  );
  await deleteFact(connection, PAUSED);
  return { held, released: rows[0]?.count ?? 0 };
}

/**
 * Marks deliveries that are queued since before the dump as in doubt: the dumped installation may have sent them since.
 * Returns how many.
 *
 * @param of.dumpedAt time of the snapshot, ISO 8601
 * @param of.until only those created until then; absent: all
 * @param of.tenants only those of these tenants; absent: all
 */
export async function holdOpenDeliveries(
  connection: Connection,
  of: {
    readonly dumpedAt: string;
    readonly until?: string;
    readonly tenants?: readonly string[];
    readonly open: OpenDeliveries;
  },
  now: Millis,
): Promise<number> {
  if (of.open === 'send') return 0;
  const { rowCount } = await connection.query(
    `update deliveries set status = 'in_doubt', finished_at = $1, reason_code = 'in_doubt', hold_code = null,
       dead_letter = dead_letter_group('us', channel, provider, account, 'in_doubt', null),
       reason = 'Restored from a dump of ' || to_char($2::timestamptz, 'YYYY-MM-DD HH24:MI:SS') ||
                ' UTC: the message may have been sent since. Retry it by hand.'
     where finished_at is null and status = 'queued' and ($3::timestamptz is null or created_at <= $3)
       and ($4::text[] is null or tenant_id = any ($4)) and ($5 or in_doubt_policy = 'hold')`,
    [isoTime(now), of.dumpedAt, of.until ?? null, of.tenants ?? null, of.open === 'hold'],
  );
  return rowCount ?? 0;
}
