import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';

/** The newest waits that are looked at. */
export const MAX_EXAMINED_WAITS = 20_000;

/** Open waits of a version that began in a time. */
export interface OpenWaits {
  readonly open: number;
  /** Open ones in the older half of the waits that were looked at; null: all of the time were looked at. */
  readonly older: number | null;
}

/**
 * Counts the waits that began since a time and are open, by the version that they began with, among the newest MAX_EXAMINED_WAITS.
 * Schedules are left out: they are open for ever.
 */
export async function countOpenWaits(
  pool: pg.Pool,
  tenantId: string,
  since: Millis,
): Promise<(version: number) => OpenWaits> {
  const { rows } = await pool.query<{ version: number; open: number; older: number; examined: number }>({
    name: 'count-open-waits',
    text: `
      with newest as materialized (
        select catalog_version, status = 'waiting' and kind <> 'every' as is_open,
          row_number() over (order by began_at desc, wait_id desc) as place
        from waits where tenant_id = $1 and began_at >= $2::timestamptz and began_at > '-infinity'
        order by began_at desc, wait_id desc limit ${MAX_EXAMINED_WAITS}
      )
      select catalog_version as version, count(*)::int as open,
        (count(*) filter (where place > ${MAX_EXAMINED_WAITS / 2}))::int as older, (select count(*)::int from newest) as examined
      from newest where is_open group by catalog_version`,
    values: [tenantId, isoTime(since)],
  });
  const byVersion = new Map(rows.map((one) => [one.version, one]));
  const isCut = rows[0]?.examined === MAX_EXAMINED_WAITS;
  return (version) => {
    const { open = 0, older = 0 } = byVersion.get(version) ?? {};
    return { open, older: isCut ? older : null };
  };
}
