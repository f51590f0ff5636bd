import type { Millis } from '../model/event.ts';
import { type FiredLookup, recordFired, type UserState } from '../rules/facts.ts';
import { type StoredDecision, unpackDecisions } from './decisions.ts';
import { packTextArray, timeRangeParams } from './pg/params.ts';
import type { Connection } from './pg/pool.ts';
import { mergeSpans } from './spans.ts';

/** Events of one person and span that something was told of and that are looked at; the latest. */
const MAX_TOLD = 1000;

/** Of which decisions on an event something came, in the form of decisions.ts. */
export const FIRED_PATTERN = '"o":"(send|acted|scheduled)"';

/** Adds what was told, done or begun because of the events of these spans to what is known of the people. */
export async function loadFired(
  connection: Connection,
  tenantId: string,
  needs: readonly (FiredLookup & { readonly userId: string })[],
  users: ReadonlyMap<string, UserState>,
): Promise<void> {
  const merged = mergeSpans(needs.map((need) => ({ ...need, type: '' })));
  if (merged.length === 0) return;
  const { rows } = await connection.query<Row>({
    name: 'load-fired',
    text: LOAD,
    rowMode: 'array',
    values: [tenantId, packTextArray(merged.map(({ userId }) => userId)), ...timeRangeParams(merged)],
  });
  for (const [place, key, eventId, time, decisions] of rows) {
    const user = users.get(merged[place]?.userId ?? '') as UserState;
    recordFired(user, time, unpackDecisions(decisions, key, eventId));
  }
}

type Row = [place: number, key: string, eventId: string, time: Millis, decisions: readonly StoredDecision[]];

/** Look-ups only, each by the primary key and bounded, and in the partitions of these times alone: see facts.ts. */
const LOAD = `
select q.i::int - 1, e.key::text, coalesce(e.event_id, e.key::text), e.event_time, e.decisions
from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')::timestamptz[], string_to_array($4, E'\\x1f')::timestamptz[])
     with ordinality as q(user_id, lo, hi, i)
cross join lateral (
  select key, event_id, event_time, decisions from events
  where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi
    and event_time between $5::timestamptz and $6::timestamptz and decisions::text ~ '${FIRED_PATTERN}'
  order by event_time desc limit ${MAX_TOLD}
) as e`;
