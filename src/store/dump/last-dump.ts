import type { Millis } from '../../model/event.ts';
import { saveFact } from '../metadata.ts';
import type { Connection } from '../pg/pool.ts';

const LAST_DUMP = 'last_dump';

/** Key of the advisory lock that lets one process of a cluster dump at a time; any constant. */
const DUMP_LOCK_KEY = 7_318_226;

/** The latest scheduled dump, of any process. */
export interface LastDump {
  /** When it was complete, by the clock of the database, ISO 8601. */
  readonly at: string;
  readonly file: string;
  readonly rows: number;
}

/** Returns whether a scheduled dump is due, by the clock of the database, and the time there (ms). */
export async function loadDumpDue(
  connection: Pick<Connection, 'query'>,
  every: Millis,
): Promise<{ isDue: boolean; now: Millis }> {
  const { rows } = await connection.query<{ due: boolean; now: Millis }>(
    `select clock_timestamp() as now, not exists (
       select from metadata
       where name = $1 and (value::json ->> 'at')::timestamptz between clock_timestamp() - $2 * interval '1 ms' and clock_timestamp()
     ) as due`,
    [LAST_DUMP, every],
  );
  return { isDue: rows[0]?.due ?? false, now: rows[0]?.now ?? 0 };
}

/** Lets the session of this connection dump, until it is closed. Returns false if another session does. */
export async function lockDumps(connection: Connection): Promise<boolean> {
  const { rows } = await connection.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
    DUMP_LOCK_KEY,
  ]);
  return rows[0]?.locked ?? false;
}

export async function saveLastDump(connection: Connection, dump: LastDump): Promise<void> {
  await saveFact(connection, LAST_DUMP, JSON.stringify(dump));
}
