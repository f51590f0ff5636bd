import type pg from 'pg';
import type { Millis } from '../../model/event.ts';

/**
 * Measures how far the clock of this process is ahead of the clock of the database, in ms; negative: it is behind. Exact to
 * half of the time that the statement takes.
 */
export async function measureClockOffset(pool: pg.Pool, clock: () => Millis): Promise<Millis> {
  const before = clock();
  const { rows } = await pool.query<{ now: number }>({
    name: 'clock-offset',
    text: 'select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now',
  });
  const after = clock();
  return Math.round((before + after) / 2) - Number(rows[0]?.now ?? after);
}
