import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';

export const MARKER_KINDS = [
  'applied',
  'rolled_back',
  'release_started',
  'release_share_changed',
  'release_finished',
  'release_rolled_back',
] as const;

/** A change of the catalog, as a chart shows it. */
export interface Marker {
  readonly at: Millis;
  readonly kind: (typeof MARKER_KINDS)[number];
  /** The version that was applied, or is released. */
  readonly version: number;
  /** The version before; null: not known. */
  readonly from: number | null;
  readonly releaseId: string | null;
  /** Percentage of the users who have it; null: it is no release. */
  readonly share: number | null;
  /** Name of the actor. */
  readonly by: string;
  readonly reason: string | null;
}

/** Latest changes of the catalog of a tenant that are looked at. */
const MAX_EXAMINED = 5000;

/** Markers of one answer, at most: the latest ones. */
export const MAX_MARKERS = 500;

/** Returns the changes of the catalog in a span, in order of time, from the audit log. */
export async function listMarkers(
  pool: pg.Pool,
  tenantId: string,
  { from, to }: { readonly from: Millis; readonly to: Millis },
): Promise<Marker[]> {
  const { rows } = await pool.query<Marker>({
    name: 'list-markers',
    text: `select at, case when action like 'release.%' then replace(action, '.', '_') else substr(action, 9) end as kind,
                  coalesce((detail ->> 'to')::int, substr(subject, 9)::int) as version,
                  coalesce((detail ->> 'from')::int, (before ->> 'version')::int) as "from",
                  case when action like 'release.%' then substr(subject, 9) end as "releaseId",
                  (after ->> 'share')::float8 as share, actor as by, detail ->> 'reason' as reason
           from (
             select * from audit_log
             where tenant_id = $1 and action in ('catalog.applied', 'catalog.rolled_back', 'release.started', 'release.share_changed',
                                                 'release.finished', 'release.rolled_back')
             order by entry_id desc limit ${MAX_EXAMINED}
           ) as latest
           where at >= $2 and at < $3 order by entry_id desc limit ${MAX_MARKERS}`,
    values: [tenantId, isoTime(from), isoTime(to)],
  });
  return rows.reverse();
}
