import type { Decision } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import type { FiredLookup } from '../rules/facts.ts';
import { type StoredDecision, unpackDecisions } from './decisions.ts';
import { packTextArray, timeRangeParams } from './pg/params.ts';
import type { Connection } from './pg/pool.ts';
import { mergeSpans, type Span } from './spans.ts';

/** The decisions on a stored event on which a rule fired. */
export interface FiredRow {
  readonly userId: string;
  /** Event time. */
  readonly time: Millis;
  readonly decisions: readonly Decision[];
}

/** Events loaded for one user and merged range, at most; the latest ones. */
const MAX_FIRED_EVENTS = 1000;

/** Loads the events of these ranges on which a rule fired, each once. */
export async function loadFired(
  connection: Connection,
  tenantId: string,
  lookups: readonly (FiredLookup & { readonly userId: string })[],
): Promise<FiredRow[]> {
  const merged = mergeSpans(lookups.map((lookup) => ({ ...lookup, type: '' })));
  if (merged.length === 0) return [];
  const { rows } = await connection.query<Row>({
    name: 'load-fired',
    text: LOAD,
    rowMode: 'array',
    values: [tenantId, packTextArray(merged.map(({ userId }) => userId)), ...timeRangeParams(merged)],
  });
  return rows.map(([index, key, eventId, time, decisions]) => {
    const { userId } = merged[index] as Span;
    return { userId, time, decisions: unpackDecisions(decisions, key, eventId) };
  });
}

type Row = [index: number, key: string, eventId: string, time: Millis, decisions: readonly StoredDecision[]];

/** Index probes by the primary key, each bounded, and only in the partitions of the times asked for: see facts.ts. */
const LOAD = `
select q.i::int - 1, e.key::text, coalesce(e.event_id, e.key::text), e.event_time, e.decisions
from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')::timestamptz[], string_to_array($4, E'\\x1f')::timestamptz[])
     with ordinality as q(user_id, lo, hi, i)
cross join lateral (
  select key, event_id, event_time, decisions from events
  where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi
    and event_time between $5::timestamptz and $6::timestamptz and has_fired
  order by event_time desc limit ${MAX_FIRED_EVENTS}
) as e`;
