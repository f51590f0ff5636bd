import type { Millis } from '../../model/event.ts';
import { FIRED_OUTCOMES, type FiredLookup } from '../../rules/facts.ts';
import { packTextArray, timeRangeParams } from '../pg/params.ts';
import type { Connection } from '../pg/pool.ts';
import { FITS, FoundRows, type LeftOutRow } from './fact-bytes.ts';
import { mergeSpans, type Span } from './spans.ts';

/** The rules that fired on a stored event, each with the id of its trigger. */
export interface FiredRow {
  readonly userId: string;
  /** Event time. */
  readonly time: Millis;
  readonly fired: readonly (readonly [rule: string, triggerId: string])[];
}

/** Events loaded for one user and merged range, at most; the latest ones. Of each, only names and ids. */
const MAX_FIRED_EVENTS = 10_000;

/** Rules that fired, and what a bound left out. */
export interface LoadedFired {
  readonly fired: readonly FiredRow[];
  readonly leftOut: readonly LeftOutRow[];
  /** By user id, the event time before which some were left out. */
  readonly knownFrom: ReadonlyMap<string, Millis>;
}

const NOTHING: LoadedFired = { fired: [], leftOut: [], knownFrom: new Map() };

/** Loads which rules fired on the events of these ranges, each once, up to MAX_FACT_BYTES. */
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
  for (const [index, time, own] of rows) {
    found.count(index, own !== null);
    if (own === null) continue;
    const { userId } = merged[index] as Span;
    fired.push({ userId, time, fired: own });
  }
  const leftOut = found.listLeftOut(merged, MAX_FIRED_EVENTS);
  const knownFrom = new Map<string, Millis>();
  for (const { userId } of leftOut) {
    const own = merged.filter((span) => span.userId === userId);
    const times = fired.filter((row) => row.userId === userId).map(({ time }) => time);
    // Any of several ranges may be the one.
    const oldest = own.map(({ from, to }) =>
      times.reduce((min, time) => (time >= from ? Math.min(min, time) : min), to),
    );
    knownFrom.set(userId, Math.max(...oldest) + 1);
  }
  return { fired, leftOut, knownFrom };
}

/** The last column is null beyond the bound. */
type Row = [index: number, time: Millis, fired: FiredRow['fired'] | null];

/** Index probes by the primary key, each bounded, and only in the partitions of the times asked for: see facts.ts. */
const LOAD = `
select i, event_time, case when fits then coalesce(fired, '[]') end
from (
  select q.i::int - 1 as i, e.*, ${FITS} as fits
  from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')::timestamptz[], string_to_array($4, E'\\x1f')::timestamptz[])
       with ordinality as q(user_id, lo, hi, i)
  cross join lateral (
    select event_time, fired, octet_length(fired::text) as bytes, row_number() over (order by event_time desc) as n
    from (
      select event_time, event_id, key, decisions
      from events
      where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi
        and event_time between $5::timestamptz and $6::timestamptz and has_fired
      order by event_time desc limit ${MAX_FIRED_EVENTS}
    ) as stored
    cross join lateral (
      select json_agg(json_build_array(d ->> 'r', coalesce(d -> 'e' ->> 0, event_id, key::text))) as fired
      from json_array_elements(decisions) as d
      where d ->> 'o' in (${[...FIRED_OUTCOMES].map((outcome) => `'${outcome}'`).join(', ')})
    ) as named
  ) as e
) as found`;
