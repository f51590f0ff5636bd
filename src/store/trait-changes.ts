import type { Event, JsonObject, Millis } from '../model/event.ts';
import type { UserState } from '../rules/facts.ts';
import { addTraitChanges, findOpenChanges } from '../rules/trait-changes.ts';
import { type StoredDecision, unpackDecisions } from './decisions.ts';
import { packTextArray, timeRangeParams } from './pg/params.ts';
import type { Connection } from './pg/pool.ts';
import { mergeSpans } from './spans.ts';

/** A span of event times; both ends count. */
export interface TraitChangeLookup {
  readonly userId: string;
  readonly from: Millis;
  readonly to: Millis;
}

/** Events of one person and span that changed a trait and are looked at; the earliest. */
const MAX_CHANGES = 1000;

/** What stands in the decisions on such an event, in the form of decisions.ts. */
export const CHANGE_PATTERN = '"change":';

/** Adds the changes of traits whose pattern was incomplete, by the decisions on them, to what is known of the people. */
export async function loadTraitChanges(
  connection: Connection,
  tenantId: string,
  needs: readonly TraitChangeLookup[],
  users: ReadonlyMap<string, UserState>,
): Promise<void> {
  const merged = mergeSpans(needs.map((need) => ({ ...need, type: '' })));
  if (merged.length === 0) return;
  const { rows } = await connection.query<Row>({
    name: 'load-trait-changes',
    text: LOAD,
    rowMode: 'array',
    values: [tenantId, packTextArray(merged.map(({ userId }) => userId)), ...timeRangeParams(merged)],
  });
  for (const [place, key, eventId, type, time, properties, traits, decisions] of rows) {
    const { userId } = merged[place] as TraitChangeLookup;
    const user = users.get(userId) as UserState;
    const event: Event = { tenantId, userId, eventId, key, type, time, properties, traits };
    if (user.changes?.some(({ trigger }) => trigger.key === key)) continue;
    addTraitChanges(user, findOpenChanges(event, unpackDecisions(decisions, key, eventId)));
  }
}

type Row = [
  place: number,
  key: string,
  eventId: string,
  type: string,
  time: Millis,
  properties: JsonObject,
  traits: JsonObject,
  decisions: readonly StoredDecision[],
];

/** Look-ups only, each by the primary key and bounded, and in the partitions of these times alone: see facts.ts. */
const LOAD = `
select q.i::int - 1, e.key::text, coalesce(e.event_id, e.key::text), e.event_type, e.event_time, e.properties, e.traits,
       e.decisions
from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')::timestamptz[], string_to_array($4, E'\\x1f')::timestamptz[])
     with ordinality as q(user_id, lo, hi, i)
cross join lateral (
  select key, event_id, event_type, event_time, properties, traits, decisions from events
  where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi
    and event_time between $5::timestamptz and $6::timestamptz and strpos(decisions::text, '${CHANGE_PATTERN}') > 0
  order by event_time limit ${MAX_CHANGES}
) as e`;
