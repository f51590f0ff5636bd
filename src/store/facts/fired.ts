import type { Decision } from '../../model/decision.ts';
import type { Millis } from '../../model/event.ts';
import type { FiredLookup } from '../../rules/facts.ts';
import { type StoredDecision, unpackDecisions } from '../decisions.ts';
import { packTextArray, timeRangeParams } from '../pg/params.ts';
import type { Connection } from '../pg/pool.ts';
import { FITS, FoundRows, type LeftOutRow } from './fact-bytes.ts';
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

/** Decisions that fired, and what a bound left out. */
export interface LoadedFired {
  readonly fired: readonly FiredRow[];
  readonly leftOut: readonly LeftOutRow[];
}

const NOTHING: LoadedFired = { fired: [], leftOut: [] };

/** Loads the decisions on the events of these ranges on which a rule fired, each once, up to MAX_FACT_BYTES. */
export async function loadFired(
  connection: Connection,
  tenantId: string,
  lookups: readonly (FiredLookup & { readonly userId: string })[],
): Promise<LoadedFired> {
  const merged = mergeSpans(lookups.map((lookup) => ({ ...lookup, type: '' })));
  if (merged.length === 0) return NOTHING;
  const { rows } = await connection.query<Row>({
    name: 'load-fired',
    text: LOAD,
    rowMode: 'array',
    values: [tenantId, packTextArray(merged.map(({ userId }) => userId)), ...timeRangeParams(merged)],
  });
  const found = new FoundRows();
  const fired: FiredRow[] = [];
  for (const [index, key, eventId, time, decisions] of rows) {
    found.count(index, decisions !== null);
    if (decisions === null) continue;
    const { userId } = merged[index] as Span;
    fired.push({ userId, time, decisions: unpackDecisions(decisions, key, eventId) });
  }
  return { fired, leftOut: found.listLeftOut(merged, MAX_FIRED_EVENTS) };
}

/** The decisions are null beyond the bound. */
type Row = [index: number, key: string, eventId: string, time: Millis, decisions: readonly StoredDecision[] | null];

/** Index probes by the primary key, each bounded, and only in the partitions of the times asked for: see facts.ts. */
const LOAD = `
select i, key, event_id, event_time, case when fits then decisions end
from (
  select q.i::int - 1 as i, e.*, ${FITS} as fits
  from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')::timestamptz[], string_to_array($4, E'\\x1f')::timestamptz[])
       with ordinality as q(user_id, lo, hi, i)
  cross join lateral (
    select key::text, coalesce(event_id, key::text) as event_id, event_time, decisions,
           octet_length(decisions::text) as bytes, row_number() over (order by event_time desc) as n
    from events
    where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi
      and event_time between $5::timestamptz and $6::timestamptz and has_fired
    order by event_time desc limit ${MAX_FIRED_EVENTS}
  ) as e
) as found`;
