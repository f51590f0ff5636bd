import type { Millis } from '../model/event.ts';
import { packTextArray } from './pg/params.ts';
import { runPipelined } from './pg/pipeline.ts';
import { type Connection, parsePgTime } from './pg/pool.ts';

/** A trait of an event that would change a user's profile. */
export interface TraitConflict {
  readonly userId: string;
  readonly trait: string;
  /** Event time (ISO 8601) of the event that would change it. */
  readonly at: string;
}

/** The time of the latest stored event that names a trait. */
export interface TraitTimeRow {
  readonly userId: string;
  readonly trait: string;
  readonly time: Millis;
}

/**
 * Loads, for each trait that would change, the time of the latest stored event that names it, if that is not before the
 * event that would change it. A profile is written only if a value changes, so its trait times may be older than the
 * latest event that repeated the value; without this look-up, a late event could win over what was said after it.
 */
export async function loadTraitTimes(
  connection: Connection,
  tenantId: string,
  conflicts: readonly TraitConflict[],
): Promise<TraitTimeRow[]> {
  if (conflicts.length === 0) return [];
  const values = [
    tenantId,
    packTextArray(conflicts.map(({ userId }) => userId)),
    packTextArray(conflicts.map(({ at }) => at)),
    JSON.stringify(conflicts.map(({ trait }) => trait)),
    conflicts.reduce((first, { at }) => (at < first ? at : first), (conflicts[0] as TraitConflict).at),
  ];
  const [rows = []] = await runPipelined(connection, [{ name: 'load-trait-times', text: LOAD, values }]);
  return rows.map(([index, at]) => {
    const { userId, trait } = conflicts[Number(index)] as TraitConflict;
    return { userId, trait, time: parsePgTime(at as string) };
  });
}

const LOAD = `
select q.i::int - 1, e.event_time
from rows from (
  unnest(string_to_array($2, E'\\x1f')),
  unnest(string_to_array($3, E'\\x1f')::timestamptz[]),
  json_array_elements_text($4)
) with ordinality as q(user_id, at, trait, i)
cross join lateral (
  select event_time from events
  where tenant_id = $1 and user_id = q.user_id and event_time >= q.at and event_time >= $5::timestamptz
    and traits -> q.trait is not null
  order by event_time desc limit 1
) as e`;
