import type { Millis } from '../../model/event.ts';
import { packTextArray } from '../pg/params.ts';
import { runPipelined } from '../pg/pipeline.ts';
import { type Connection, parsePgTime } from '../pg/pool.ts';

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

/** Stored events of a user that are searched for one trait, at most; the latest. */
const MAX_EVENTS_SEARCHED = 1000;

/**
 * Loads, for each trait that would change, the time of the latest stored event that names it, if that is not before the
 * earliest event that would change it. A profile is written only if a value changes, so its trait times may be older than the
 * latest event that repeated the value; without this look-up, a late event could win over what was said after it.
 *
 * Of a user with more than MAX_EVENTS_SEARCHED later events, the earlier ones are taken to name the trait: what is known stays.
 */
export async function loadTraitTimes(
  connection: Connection,
  tenantId: string,
  conflicts: readonly TraitConflict[],
): Promise<TraitTimeRow[]> {
  if (conflicts.length === 0) return [];
  const earliest = keepEarliest(conflicts);
  const values = [
    tenantId,
    packTextArray(earliest.map(({ userId }) => userId)),
    packTextArray(earliest.map(({ at }) => at)),
    JSON.stringify(earliest.map(({ trait }) => trait)),
    earliest.reduce((first, { at }) => (at < first ? at : first), (earliest[0] as TraitConflict).at),
  ];
  const [rows = []] = await runPipelined(connection, [{ name: 'load-trait-times', text: LOAD, values }]);
  return rows.map(([index, at]) => {
    const { userId, trait } = earliest[Number(index)] as TraitConflict;
    return { userId, trait, time: parsePgTime(at as string) };
  });
}

/** Returns the earliest conflict of each user and trait: what it finds holds for the later ones as well. */
function keepEarliest(conflicts: readonly TraitConflict[]): readonly TraitConflict[] {
  const earliest = new Map<string, TraitConflict>();
  for (const conflict of conflicts) {
    const name = `${conflict.userId}\n${conflict.trait}`;
    const known = earliest.get(name);
    if (!known || conflict.at < known.at) earliest.set(name, conflict);
  }
  return [...earliest.values()];
}

/** Each look-up stops at the first event that names the trait, or at the last that it may search. */
const LOAD = `
select q.i::int - 1, e.event_time
from rows from (
  unnest(string_to_array($2, E'\\x1f')),
  unnest(string_to_array($3, E'\\x1f')::timestamptz[]),
  json_array_elements_text($4)
) with ordinality as q(user_id, at, trait, i)
cross join lateral (
  select event_time from (
    select event_time, traits, row_number() over (order by event_time desc) as n from events
    where tenant_id = $1 and user_id = q.user_id and event_time >= q.at and event_time >= $5::timestamptz
    order by event_time desc limit ${MAX_EVENTS_SEARCHED + 1}
  ) as latest
  where traits -> q.trait is not null or n > ${MAX_EVENTS_SEARCHED}
  order by event_time desc limit 1
) as e`;
